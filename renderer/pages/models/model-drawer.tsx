/**
 * One model in full: what it is, what it holds or would need, what went wrong and what to do, its
 * last decisions.
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { rowHeadlines } from '../../../shared/reason-words.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, secondsInWords } from '../../../shared/units.ts';
import { pin } from '../../actions.ts';
import { useDeviceNames } from '../../components/device-name.ts';
import { MainAction } from '../../components/model-actions.tsx';
import { ReasonView } from '../../components/reason.tsx';
import { isInTrouble, isNoModel, StateChip } from '../../components/state-chip.tsx';
import { address, go } from '../../route.ts';
import { useModel, useWindow } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { SwitchField } from '../../ui/fields.tsx';
import { Overlay } from '../../ui/overlays.tsx';
import { Facts, Note } from '../../ui/panel.tsx';
import { WithCode } from '../../ui/with-code.ts';
import { useAsked } from '../../use-asked.ts';
import styles from './model-drawer.module.css';
import { ModelPlan } from './model-plan.tsx';
import { ModelTrust } from './model-trust.tsx';
import { profileFacts } from './profile-facts.ts';

interface ModelDrawerProps {
  readonly id: string | null;
  readonly onClose: () => void;
}

export function ModelDrawer({ id, onClose }: ModelDrawerProps) {
  const model = useModel(id);
  return (
    <Overlay
      aside={model !== undefined && <StateChip model={model} />}
      onClose={onClose}
      open={id !== null}
      place="right"
      title={model?.id ?? id ?? ''}
    >
      {model === undefined ? (
        <p>There is no model of this name. It may have been forgotten, or its files were moved away.</p>
      ) : (
        <Body model={model} />
      )}
    </Overlay>
  );
}

function Body({ model }: { readonly model: ModelView }) {
  const { id, state, headline, message, because, help, path, aliases, pinned, profile, copy } = model;
  // What is told by a headline and its facts is not said once more in one long sentence.
  const words = because === undefined ? message : headline;
  const isTrouble = isInTrouble(model);
  return (
    <div className={styles.body}>
      {isTrouble ? (
        <Note tone={state === 'failed' ? 'bad' : 'warn'}>
          <p>{words}</p>
          {because !== undefined && <ReasonView reason={because} />}
          {help !== null && (
            <p>
              <WithCode>{help}</WithCode>
            </p>
          )}
        </Note>
      ) : (
        <>
          <p className={styles.message}>{isNoModel(model) ? [message, help].filter(Boolean).join(' ') : words}</p>
          {because !== undefined && !isNoModel(model) && <ReasonView reason={because} />}
        </>
      )}
      {copy !== null && copy.missing.length > 0 && (
        <Section title="Missing">
          <ul className={styles.list}>
            {copy.missing.map((name) => (
              <li key={name}>{name}</li>
            ))}
          </ul>
        </Section>
      )}
      <div className={styles.actions}>
        <MainAction model={model} />
        {!isNoModel(model) && (
          <Button icon="playground" onClick={() => go('playground', id)} small>
            Try it
          </Button>
        )}
        <Button icon="logs" onClick={() => go('logs', id)} small>
          Log
        </Button>
        <SwitchField checked={pinned} label="Pinned" onChange={(checked) => void pin(id, checked)} />
      </div>
      <RunsOn model={model} />
      {profile !== null && (
        <Section title="What it is">
          <Facts rows={profileFacts(profile)} />
          {profile.notes.map((note) => (
            <Note key={note} tone="info">
              {note}
            </Note>
          ))}
        </Section>
      )}
      {profile !== null && profile.problems.length > 0 && <Problems problems={profile.problems} />}
      <ModelTrust key={`${id} ${state}`} model={model} />
      <Section title="Where it lies">
        <p className={styles.path}>{path}</p>
        {aliases.length > 0 && <p>Also called {aliases.join(', ')}</p>}
      </Section>
      <ModelPlan id={id} key={`${id} ${state}`} state={state} />
      <LastDecisions id={id} state={state} />
    </div>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: React.ReactNode }) {
  return (
    <section className={styles.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Files that are missing or wrong, those included that nobody needs. */
function Problems({ problems }: { readonly problems: readonly FileProblem[] }) {
  return (
    <Section title="Problems">
      <ul className={styles.list}>
        {problems.slice(0, PROBLEMS_SHOWN).map(({ file, kind, message, presentBytes, expectedBytes }) => (
          <li key={`${file} ${kind}`}>
            {message}
            {expectedBytes !== null && presentBytes > 0 && `: ${bytesInWords(presentBytes)} of ${bytesInWords(expectedBytes)} there`}
          </li>
        ))}
      </ul>
      {problems.length > PROBLEMS_SHOWN && <p className={styles.message}>and {problems.length - PROBLEMS_SHOWN} more</p>}
    </Section>
  );
}

/** Predicted beside measured, device by device: we are judged by the difference. */
function RunsOn({ model }: { readonly model: ModelView }) {
  const nameOf = useDeviceNames();
  const { plan, predictedBytes, measuredBytes, loadSeconds, runtime, pids } = model;
  if (plan === null) return null;
  const ids = [...new Set([...Object.keys(predictedBytes ?? {}), ...Object.keys(measuredBytes ?? {})])];
  return (
    <Section title="How it runs">
      <Facts
        rows={[
          ['Runtime', runtime ?? plan.runtime],
          ['Context', `${plan.contextTokens.toLocaleString('en')} tokens, ${plan.parallelSequences} side by side`],
          ...(loadSeconds === null ? [] : [['Loaded in', secondsInWords(loadSeconds)] as const]),
          ...(pids.length === 0 ? [] : [['Processes', pids.join(', ')] as const]),
        ]}
      />
      <table className={styles.memory}>
        <thead>
          <tr>
            <th scope="col">Memory</th>
            <th scope="col">Predicted</th>
            <th scope="col">Measured</th>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => (
            <tr key={id}>
              <th scope="row">{nameOf(id)}</th>
              <td>{figure(predictedBytes?.[id])}</td>
              <td>{figure(measuredBytes?.[id])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function figure(bytes: number | undefined): string {
  return bytes === undefined ? '-' : bytesInWords(bytes);
}

const SHOWN = 5;
const PROBLEMS_SHOWN = 12;

function LastDecisions({ id, state }: { readonly id: string; readonly state: string }) {
  const lastDecisionId = useWindow((window) => window.snapshot?.lastDecisionId);
  const path = `/control/decisions?limit=${SHOWN}&model=${encodeURIComponent(id)}`;
  const rows = useAsked<'decisions'>(path, [state, lastDecisionId]).answer?.decisions ?? [];
  if (rows.length === 0) return null;
  return (
    <Section title="Last decisions">
      <ul className={styles.list}>
        {rows.map((row) => {
          const { headline: result, failure } = rowHeadlines(row);
          return (
            <li key={row.id} title={row.sentence}>
              <time dateTime={row.at}>{new Date(row.at).toLocaleTimeString()}</time> {result}
              {row.outcome === null ? '' : ` - ${failure ?? row.outcome.message}`}
            </li>
          );
        })}
      </ul>
      <a href={address('decisions', id)}>All of them</a>
    </Section>
  );
}
