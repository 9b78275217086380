/**
 * The page Activity: the running requests, and the finished ones with their times and tokens. It
 * never shows the content of a request.
 */
import { memo, useState } from 'react';
import type { ModelView, RequestView } from '../../../shared/snapshot.ts';
import { millisecondsInWords, speedInWords } from '../../../shared/units.ts';
import { statusInWords, tokensInWords } from '../../components/request-words.ts';
import { address, go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './activity-page.module.css';
import { useActivity } from './use-activity.ts';

const EVERY = '';
type Outcome = 'answered' | 'failed' | null;
const FILTERS = [
  { value: EVERY, label: texts.common.everyOutcome },
  { value: 'answered', label: texts.activity.answered },
  { value: 'failed', label: texts.activity.failedOrCancelled },
] as const satisfies readonly { readonly value: NonNullable<Outcome> | typeof EVERY; readonly label: string }[];
/** A thousand rows are drawn only for who wants them. */
const FIRST = 200;
const ALL = 1_000;

export function ActivityPage({ subject }: PageProps) {
  const models = useModels();
  const [outcome, setOutcome] = useState<Outcome>(null);
  const [limit, setLimit] = useState(FIRST);
  const { activity, trouble } = useActivity({ model: subject, outcome, limit });
  const busy = models.filter(({ id, inFlight, waiting }) => inFlight + waiting > 0 && (subject === null || id === subject));
  const requests = activity?.requests ?? [];
  const names = [...new Set([...models.map(({ id }) => id), ...(subject === null ? [] : [subject])])];
  return (
    <Page
      actions={
        // Nothing to choose from.
        !(activity?.total === 0 && subject === null) && (
          <div className={styles.filters}>
            <ChoiceField
              choices={FILTERS}
              hideLabel
              label={texts.common.outcome}
              onChange={(value) => setOutcome(value === EVERY ? null : (value as Outcome))}
              value={outcome ?? EVERY}
            />
            <ChoiceField
              choices={[{ value: EVERY, label: texts.common.everyModel }, ...names.map((id) => ({ value: id, label: id }))]}
              hideLabel
              label={texts.common.model}
              onChange={(id) => go('activity', id === EVERY ? null : id)}
              value={subject ?? EVERY}
            />
          </div>
        )
      }
      sentence={activity === null ? undefined : sentenceOf(activity.total)}
      title={texts.window.titles.activity}
    >
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {busy.length > 0 && <Running models={busy} />}
      {activity !== null && requests.length === 0 && busy.length === 0 && (
        <Panel>
          <Empty
            action={
              activity.total === 0 ? (
                <Button onClick={() => go('playground')}>{texts.activity.askModel}</Button>
              ) : (
                <Button
                  onClick={() => {
                    setOutcome(null);
                    go('activity');
                  }}
                >
                  {texts.activity.showEvery}
                </Button>
              )
            }
            icon="activity"
            title={activity.total === 0 ? texts.activity.noRequest : texts.activity.noMatch}
          >
            {texts.activity.whatIsListed}
          </Empty>
        </Panel>
      )}
      {requests.length > 0 && <Requests requests={requests} />}
      {activity !== null && activity.matching > requests.length && (
        <p className={styles.more}>
          {texts.activity.newestShown(requests.length, activity.matching)}
          <Button onClick={() => setLimit(ALL)} small>
            {texts.activity.showAll}
          </Button>
        </p>
      )}
    </Page>
  );
}

function sentenceOf(total: number): string {
  return texts.activity.sentence(total);
}

function Running({ models }: { readonly models: readonly ModelView[] }) {
  return (
    <Panel title={texts.common.now}>
      <ul className={styles.running}>
        {models.map(({ id, inFlight, waiting }) => (
          <li key={id}>
            <a href={address('models', id)}>{id}</a>
            <span className={styles.quiet}>{texts.activity.runningAndWaiting(inFlight, waiting)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Requests({ requests }: { readonly requests: readonly RequestView[] }) {
  return (
    <ScrollBox as="div" className={styles.frame} label={texts.common.requests}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{texts.requests.ended}</th>
            <th scope="col">{texts.common.model}</th>
            <th scope="col">{texts.requests.status}</th>
            <th className={styles.right} scope="col">
              {texts.requests.tokensInOut}
            </th>
            <th className={styles.right} scope="col">
              {texts.activity.waited}
            </th>
            <th className={styles.right} scope="col">
              {texts.requests.firstToken}
            </th>
            <th className={styles.right} scope="col">
              {texts.requests.tokensPerSecond}
            </th>
            <th className={styles.right} scope="col">
              {texts.requests.inAll}
            </th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <Line key={request.id} request={request} />
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

/** One that has ended changes no more; another run of the engine counts from 1. */
const Line = memo(RequestLine, ({ request: before }, { request }) => before.id === request.id && before.atMs === request.atMs);

function RequestLine({ request }: { readonly request: RequestView }) {
  const { atMs, model, status, queueMs, firstTokenMs, tokensPerSecond, totalMs } = request;
  return (
    <tr>
      <td>
        <time dateTime={new Date(atMs).toISOString()}>{new Date(atMs).toLocaleTimeString([], { hour12: false })}</time>
      </td>
      <td>
        <a href={address('models', model)}>{model}</a>
      </td>
      <td className={classes(status === 200 ? styles.good : status === 499 ? styles.quiet : styles.bad)}>{statusInWords(status)}</td>
      <td className={styles.right} data-head={texts.requests.tokens}>
        {tokensInWords(request)}
      </td>
      <td className={styles.right} data-head={texts.activity.waited}>
        {millisecondsInWords(queueMs)}
      </td>
      <td className={styles.right} data-head={texts.requests.firstToken}>
        {firstTokenMs === null ? '-' : millisecondsInWords(firstTokenMs)}
      </td>
      <td className={styles.right} data-head={texts.requests.tokensPerSecond}>
        {tokensPerSecond === null ? '-' : speedInWords(tokensPerSecond)}
      </td>
      <td className={styles.right} data-head={texts.requests.inAll}>
        {millisecondsInWords(totalMs)}
      </td>
    </tr>
  );
}
