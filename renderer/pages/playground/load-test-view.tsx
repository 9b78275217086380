/** The load test: its settings, its progress and its figures. */
import { LOAD_TEST_LIMITS, type LoadTestFigures } from '../../../shared/api-load-test.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { countInWords, millisecondsInWords } from '../../../shared/units.ts';
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
  { name: 'parallel', label: 'At the same time', help: 'Requests that run at the same time.', max: LOAD_TEST_LIMITS.parallel },
  { name: 'requests', label: 'Requests in all', help: 'The more, the steadier the figures.', max: 1_000 },
  { name: 'promptWords', label: 'Words of a prompt', help: 'Generated text with a different beginning each time.', max: 4_000 },
  { name: 'maxTokens', label: 'Tokens of an answer', help: 'At most; a model may stop earlier.', max: 2_048 },
];

export function LoadTestView({ model }: { readonly model: ModelView }) {
  const { wish, asked, underWay, figures, failure } = useLoadTest();
  const requestKind = requestKindOf(model);
  if (requestKind !== 'chat' && requestKind !== 'text') {
    return (
      <Panel className={styles.alone}>
        <Empty
          action={<Button onClick={() => setMode('ask')}>Ask it by hand</Button>}
          icon="activity"
          title="Load tests are for models that answer in words"
        >
          {model.id} is asked in another way.
        </Empty>
      </Panel>
    );
  }
  const isMine = asked?.model === model.id;
  const isElsewhere = underWay !== null && !isMine;
  return (
    <div className={styles.form}>
      <Panel title="Load test">
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
          <Note tone="warn">
            A load test uses the whole machine: while it runs, all other requests take longer
            {model.state === 'ready' ? '.' : `, and ${model.id} is loaded first.`}
          </Note>
          {!isServable(model) && (
            <Note tone="warn">
              {model.id} cannot be asked now: {model.message}
            </Note>
          )}
          <div>
            {underWay !== null && isMine ? (
              <Button icon="stop" key="stop" onClick={stopLoadTest}>
                Stop
              </Button>
            ) : (
              <Button
                disabled={!isServable(model) || isElsewhere}
                key="start"
                variant="primary"
                onClick={() => void startLoadTest(model.id)}
              >
                Start
              </Button>
            )}
            {isElsewhere && <p className={styles.hint}>A test of {asked?.model} is running.</p>}
          </div>
        </div>
      </Panel>
      <p className="visually-hidden" role="status">
        {isMine && (underWay !== null ? 'Testing' : figures !== null ? 'Complete' : '')}
      </p>
      {isMine && failure !== null && <FailureView error={failure} />}
      {isMine && figures === null && underWay === null && failure === null && (
        <p className={styles.hint}>Stopped before anything was answered.</p>
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
  const state = isDone ? 'Done' : isStopped ? 'Stopped' : `${running} under way`;
  const spread = (values: typeof totalMs): readonly string[] =>
    values === null ? ['–', '–'] : [millisecondsInWords(values.p50), millisecondsInWords(values.p95)];
  return (
    <>
      <Panel aside={<span className={styles.hint}>{`${state} · ${millisecondsInWords(elapsedMs)}`}</span>} title="Figures">
        <progress aria-label="Requests that have ended" className={styles.progress} max={requests} value={ended} />
        <Facts
          rows={[
            ['Ended', `${countInWords(ended)} of ${countInWords(requests)}`],
            ['Failed', countInWords(failed)],
            ['Tokens/s in all', tokensPerSecond.toFixed(1)],
            ['Tokens', `${countInWords(completionTokens)} from ${countInWords(promptTokens)}`],
          ]}
        />
        <Table
          head={['Time', 'Half took at most', '95 of 100 took at most']}
          label="Times"
          numbersFrom={1}
          rows={[
            { key: 'first', cells: ['First token', ...spread(firstTokenMs)] },
            { key: 'total', cells: ['Whole answer', ...spread(totalMs)] },
          ]}
        />
      </Panel>
      {errors.length > 0 && (
        <Panel title="Errors">
          <Table
            head={['Error', 'Code', 'Times']}
            label="Errors"
            numbersFrom={2}
            rows={errors.map(({ code, message, count }) => ({ key: code, cells: [message, code, countInWords(count)] }))}
          />
        </Panel>
      )}
    </>
  );
}
