/**
 * The requests: those that run now, and those of today that have ended, with what they took. No
 * word of what was asked.
 */
import { useState } from 'react';
import type { ModelView, RequestView } from '../../../shared/snapshot.ts';
import { millisecondsInWords } from '../../../shared/units.ts';
import { address, go, type PageProps } from '../../route.ts';
import { useModels } from '../../store.ts';
import { classes } from '../../ui/classes.ts';
import { ChoiceField } from '../../ui/fields.tsx';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './activity-page.module.css';
import { useActivity } from './use-activity.ts';

const EVERY = '';
const FILTERS = [
  { value: EVERY, label: 'Every outcome' },
  { value: 'answered', label: 'Answered' },
  { value: 'failed', label: 'Failed or left' },
] as const;

export function ActivityPage({ subject }: PageProps) {
  const models = useModels();
  const { activity, trouble } = useActivity(subject);
  const [outcome, setOutcome] = useState<string>(EVERY);
  const busy = models.filter(({ id, inFlight, waiting }) => inFlight + waiting > 0 && (subject === null || id === subject));
  const requests = (activity?.requests ?? []).filter(({ status }) => outcome === EVERY || (status === 200) === (outcome === 'answered'));
  const names = [...new Set([...models.map(({ id }) => id), ...(subject === null ? [] : [subject])])];
  return (
    <Page
      actions={
        <div className={styles.filters}>
          <ChoiceField choices={FILTERS} hideLabel label="Outcome" onChange={setOutcome} value={outcome} />
          <ChoiceField
            choices={[{ value: EVERY, label: 'Every model' }, ...names.map((id) => ({ value: id, label: id }))]}
            hideLabel
            label="Model"
            onChange={(id) => go('activity', id === EVERY ? null : id)}
            value={subject ?? EVERY}
          />
        </div>
      }
      sentence={activity === null ? undefined : sentenceOf(activity.total)}
      title="Activity"
    >
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      {busy.length > 0 && <Running models={busy} />}
      {activity !== null && requests.length === 0 && busy.length === 0 && (
        <Panel>
          <Empty icon="activity" title={activity.total === 0 ? 'No request yet' : 'No request matches'}>
            Each request to a model stands here when it has ended: how long it waited, how fast it was answered, and how many tokens it
            took. What was asked is not kept.
          </Empty>
        </Panel>
      )}
      {requests.length > 0 && <Requests requests={requests} />}
    </Page>
  );
}

function sentenceOf(total: number): string {
  return `${total.toLocaleString('en')} ${total === 1 ? 'request has' : 'requests have'} ended since the engine started; the newest thousand are kept.`;
}

function Running({ models }: { readonly models: readonly ModelView[] }) {
  return (
    <Panel title="Now">
      <ul className={styles.running}>
        {models.map(({ id, inFlight, waiting }) => (
          <li key={id}>
            <a href={address('models', id)}>{id}</a>
            <span className={styles.quiet}>
              {inFlight} running{waiting > 0 && `, ${waiting} waiting`}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Requests({ requests }: { readonly requests: readonly RequestView[] }) {
  return (
    <ScrollBox as="div" className={styles.frame} label="Requests">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Ended</th>
            <th scope="col">Model</th>
            <th scope="col">Status</th>
            <th className={styles.right} scope="col">
              Tokens in, out
            </th>
            <th className={styles.right} scope="col">
              Waited
            </th>
            <th className={styles.right} scope="col">
              First token
            </th>
            <th className={styles.right} scope="col">
              Tokens/s
            </th>
            <th className={styles.right} scope="col">
              In all
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

function Line({ request }: { readonly request: RequestView }) {
  const { atMs, model, status, promptTokens, completionTokens, queueMs, firstTokenMs, tokensPerSecond, totalMs } = request;
  return (
    <tr>
      <td>
        <time dateTime={new Date(atMs).toISOString()}>{new Date(atMs).toLocaleTimeString([], { hour12: false })}</time>
      </td>
      <td>
        <a href={address('models', model)}>{model}</a>
      </td>
      <td className={classes(status === 200 ? styles.good : status === 499 ? styles.quiet : styles.bad)}>{statusWord(status)}</td>
      <td className={styles.right}>
        {promptTokens ?? '-'}, {completionTokens ?? '-'}
      </td>
      <td className={styles.right}>{millisecondsInWords(queueMs)}</td>
      <td className={styles.right}>{firstTokenMs === null ? '-' : millisecondsInWords(firstTokenMs)}</td>
      <td className={styles.right}>{tokensPerSecond === null ? '-' : tokensPerSecond.toFixed(1)}</td>
      <td className={styles.right}>{millisecondsInWords(totalMs)}</td>
    </tr>
  );
}

function statusWord(status: number): string {
  if (status === 200) return 'answered';
  return status === 499 ? 'client left' : `failed (${status})`;
}
