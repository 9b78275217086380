/** The current speed of a loaded model, kept up to date. */
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, clockSpan, millisecondsInWords, speedInWords } from '../../../shared/units.ts';
import { memoryOf } from '../../components/model-memory.ts';
import { sinceReceived, useNow } from '../../now.ts';
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
    ['Requests', `${inFlight} running, ${waiting} waiting`],
    ['Writing', pace?.tokensPerSecond == null ? '-' : `${speedInWords(pace.tokensPerSecond)} tokens/s`],
    ['First token', pace?.firstTokenP50Ms == null ? '-' : millisecondsInWords(pace.firstTokenP50Ms)],
    ['Answers, p50 and p95', pace === null ? '-' : `${millisecondsInWords(pace.p50Ms)}, ${millisecondsInWords(pace.p95Ms)}`],
    ['Memory', memory === null ? '-' : `${bytesInWords(memory.bytes)}${memory.measured ? '' : ' predicted'}`],
    [
      'Unloads in',
      inFlight > 0
        ? 'not while it answers'
        : idleLeftMs === null
          ? 'never automatically'
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
