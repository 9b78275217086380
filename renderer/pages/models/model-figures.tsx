/** The current speed of a loaded model, kept up to date. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, clockSpan, millisecondsInWords, speedInWords } from '../../../shared/units.ts';
import { memoryOf } from '../../components/model-memory.ts';
import { sinceReceived, useNow } from '../../now.ts';
import * as texts from '../../texts.ts';
import styles from './model-figures.module.css';

export function ModelFigures({ model }: { readonly model: ModelView }) {
  if (model.state !== 'ready') return null;
  return <Figures model={model} />;
}

function Figures({ model }: { readonly model: ModelView }) {
  const { pace, inFlight, waiting, idleLeftMs } = model;
  const now = useNow();
  const memory = memoryOf(model);
  const figures: readonly (readonly [string, string])[] = [
    [texts.common.requests, texts.figures.runningAndWaiting(inFlight, waiting)],
    [texts.common.writing, pace?.tokensPerSecond == null ? '-' : texts.common.speed(speedInWords(pace.tokensPerSecond))],
    [texts.requests.firstToken, pace?.firstTokenP50Ms == null ? '-' : millisecondsInWords(pace.firstTokenP50Ms)],
    [texts.figures.answers, pace === null ? '-' : `${millisecondsInWords(pace.p50Ms)}, ${millisecondsInWords(pace.p95Ms)}`],
    [
      texts.common.memory,
      memory === null ? '-' : memory.measured ? bytesInWords(memory.bytes) : texts.figures.predictedSize(bytesInWords(memory.bytes)),
    ],
    [
      texts.figures.unloadsIn,
      inFlight > 0
        ? texts.figures.notWhileItAnswers
        : idleLeftMs === null
          ? texts.figures.neverAutomatically
          : clockSpan(Math.max(0, idleLeftMs - sinceReceived(model, now))),
    ],
  ];
  return (
    <dl className={styles.figures}>
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
