/** The decisions about a model, and its last requests. */
import { rowHeadlines } from '../../../shared/reason-words.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { millisecondsInWords } from '../../../shared/units.ts';
import { statusInWords, tokensInWords } from '../../components/request-words.ts';
import { address } from '../../route.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { useAsked } from '../../use-asked.ts';
import styles from './model-drawer.module.css';
import { Section } from './section.tsx';

const SHOWN = 20;

export function ModelHistory({ model: { id, state } }: { readonly model: ModelView }) {
  return (
    <div className={styles.body}>
      <LastDecisions id={id} state={state} />
      <LastRequests id={id} />
    </div>
  );
}

function LastDecisions({ id, state }: { readonly id: string; readonly state: string }) {
  const lastDecisionId = useWindow((window) => window.snapshot?.lastDecisionId);
  const path = `/control/decisions?limit=${SHOWN}&model=${encodeURIComponent(id)}`;
  const rows = useAsked<'decisions'>(path, [state, lastDecisionId]).answer?.decisions;
  if (rows === undefined) return null;
  return (
    <Section title={texts.window.titles.decisions}>
      {rows.length === 0 && <p className={styles.message}>{texts.history.noDecision}</p>}
      <ul className={styles.list}>
        {rows.map((row) => {
          const { headline: result, failure } = rowHeadlines(row);
          return (
            <li key={row.id} title={row.sentence}>
              <time dateTime={row.at}>{clock(row.at)}</time> {result}
              {row.outcome === null ? '' : ` · ${failure ?? row.outcome.message}`}
            </li>
          );
        })}
      </ul>
      {rows.length > 0 && <a href={address('decisions', id)}>{texts.history.allOfThem}</a>}
    </Section>
  );
}

function LastRequests({ id }: { readonly id: string }) {
  // One that ends changes the pace, whose object is another one then.
  const pace = useWindow((window) => JSON.stringify(window.snapshot?.models.find((model) => model.id === id)?.pace ?? null));
  const path = `/control/activity?limit=${SHOWN}&model=${encodeURIComponent(id)}`;
  const requests = useAsked<'activity'>(path, [pace]).answer?.requests;
  if (requests === undefined) return null;
  return (
    <Section title={texts.common.requests}>
      {requests.length === 0 ? (
        <p className={styles.message}>{texts.history.noRequest}</p>
      ) : (
        <table className={styles.memory}>
          <thead>
            <tr>
              <th scope="col">{texts.history.when}</th>
              <th scope="col">{texts.requests.status}</th>
              <th scope="col">{texts.requests.tokensInOut}</th>
              <th scope="col">{texts.requests.firstToken}</th>
              <th scope="col">{texts.requests.inAll}</th>
            </tr>
          </thead>
          <tbody>
            {requests.map((request) => (
              <tr key={request.id}>
                <th scope="row">{clock(request.atMs)}</th>
                <td>{statusInWords(request.status)}</td>
                <td>{tokensInWords(request)}</td>
                <td>{request.firstTokenMs === null ? '-' : millisecondsInWords(request.firstTokenMs)}</td>
                <td>{millisecondsInWords(request.totalMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {requests.length > 0 && <a href={address('activity', id)}>{texts.history.allOfThem}</a>}
    </Section>
  );
}

function clock(at: string | number): string {
  return new Date(at).toLocaleTimeString('en', { hour12: false });
}
