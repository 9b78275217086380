/** The load test: its settings, its progress and its figures. */
import { LOAD_TEST_LIMITS, type LoadTestFigures } from '../../../shared/api-load-test.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { countInWords, millisecondsInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { NumberField } from '../../ui/fields.tsx';
import { Empty, Facts, Note, Panel } from '../../ui/panel.tsx';
import { setMode } from './conversation.ts';
import { FailureView } from './failure-view.tsx';
import { startLoadTest, stopLoadTest, useLoadTest, type Wish } from './load-test.ts';
import styles from './playground.module.css';
import { isServable, requestKindOf } from './request.ts';
import { Table } from './table.tsx';

const FIELDS: readonly { readonly name: keyof Wish; readonly label: string; readonly help: string; readonly max: number }[] = [
  { name: 'parallel', label: texts.loadTest.parallel, help: texts.loadTest.parallelHelp, max: LOAD_TEST_LIMITS.parallel },
  { name: 'requests', label: texts.loadTest.requests, help: texts.loadTest.requestsHelp, max: 1_000 },
  { name: 'promptWords', label: texts.loadTest.promptWords, help: texts.loadTest.promptWordsHelp, max: 4_000 },
  { name: 'maxTokens', label: texts.loadTest.answerTokens, help: texts.loadTest.answerTokensHelp, max: 2_048 },
];

export function LoadTestView({ model }: { readonly model: ModelView }) {
  const { wish, asked, underWay, figures, failure } = useLoadTest();
  const requestKind = requestKindOf(model);
  if (requestKind !== 'chat' && requestKind !== 'text') {
    return (
      <Panel className={styles.alone}>
        <Empty
          action={<Button onClick={() => setMode('ask')}>{texts.loadTest.askByHand}</Button>}
          icon="activity"
          title={texts.loadTest.notForThis}
        >
          {texts.loadTest.isAskedOtherwise(model.id)}
        </Empty>
      </Panel>
    );
  }
  const isMine = asked?.model === model.id;
  const isElsewhere = underWay !== null && !isMine;
  return (
    <div className={styles.form}>
      <Panel title={texts.loadTest.title}>
        <div className={styles.fields}>
          <div className={styles.numbersGrid}>
            {FIELDS.map(({ name, label, help, max }) => (
              <NumberField
                help={help}
                key={name}
                label={label}
                max={max}
                min={1}
                onChange={(value) => useLoadTest.setState({ wish: { ...wish, [name]: Math.round(value) } })}
                step={1}
                value={wish[name]}
              />
            ))}
          </div>
          <Note tone="warn">{texts.loadTest.warning(model.state === 'ready' ? null : model.id)}</Note>
          {!isServable(model) && <Note tone="warn">{texts.playground.cannotBeAsked(model.id, model.message)}</Note>}
          <div>
            {underWay !== null && isMine ? (
              <Button icon="stop" key="stop" onClick={stopLoadTest}>
                {texts.common.stop}
              </Button>
            ) : (
              <Button
                disabled={!isServable(model) || isElsewhere}
                key="start"
                variant="primary"
                onClick={() => void startLoadTest(model.id)}
              >
                {texts.loadTest.start}
              </Button>
            )}
            {isElsewhere && <p className={styles.hint}>{texts.loadTest.otherIsRunning(asked?.model ?? '')}</p>}
          </div>
        </div>
      </Panel>
      <p className="visually-hidden" role="status">
        {isMine && (underWay !== null ? texts.loadTest.testing : figures !== null ? texts.playground.complete : '')}
      </p>
      {isMine && failure !== null && <FailureView error={failure} />}
      {isMine && figures === null && underWay === null && failure === null && (
        <p className={styles.hint}>{texts.loadTest.stoppedTooEarly}</p>
      )}
      {isMine && figures !== null && (
        <Figures figures={figures} isStopped={underWay === null && !figures.isDone} requests={asked.requests} />
      )}
    </div>
  );
}

interface FiguresProps {
  readonly figures: LoadTestFigures;
  readonly requests: number;
  readonly isStopped: boolean;
}

function Figures({ figures, requests, isStopped }: FiguresProps) {
  const { answered, failed, running, isDone, elapsedMs, firstTokenMs, totalMs, tokensPerSecond, completionTokens, promptTokens, errors } =
    figures;
  const ended = answered + failed;
  const state = isDone ? texts.loadTest.done : isStopped ? texts.playground.stopped : texts.loadTest.underWay(running);
  const spread = (values: typeof totalMs): readonly string[] =>
    values === null ? ['–', '–'] : [millisecondsInWords(values.p50), millisecondsInWords(values.p95)];
  return (
    <>
      <Panel aside={<span className={styles.hint}>{`${state} · ${millisecondsInWords(elapsedMs)}`}</span>} title={texts.playground.figures}>
        <progress aria-label={texts.loadTest.progress} className={styles.progress} max={requests} value={ended} />
        <Facts
          rows={[
            [texts.requests.ended, texts.loadTest.endedOfAll(countInWords(ended), countInWords(requests))],
            [texts.common.failed, countInWords(failed)],
            [texts.loadTest.speedInAll, tokensPerSecond.toFixed(1)],
            [texts.requests.tokens, texts.loadTest.tokensFromPrompts(countInWords(completionTokens), countInWords(promptTokens))],
          ]}
        />
        <Table
          head={[texts.loadTest.time, texts.loadTest.half, texts.loadTest.nearlyAll]}
          label={texts.loadTest.times}
          numbersFrom={1}
          rows={[
            { key: 'first', cells: [texts.requests.firstToken, ...spread(firstTokenMs)] },
            { key: 'total', cells: [texts.loadTest.wholeAnswer, ...spread(totalMs)] },
          ]}
        />
      </Panel>
      {errors.length > 0 && (
        <Panel title={texts.loadTest.errors}>
          <Table
            head={[texts.loadTest.error, texts.loadTest.code, texts.loadTest.times]}
            label={texts.loadTest.errors}
            numbersFrom={2}
            rows={errors.map(({ code, message, count }) => ({ key: code, cells: [message, code, countInWords(count)] }))}
          />
        </Panel>
      )}
    </>
  );
}
