/**
 * The overview of a model: its state and the reason for it, its actions, its speed, how to send it
 * a request, and what it is.
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { headlineOf } from '../../../shared/reason-words.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, secondsInWords } from '../../../shared/units.ts';
import { pin } from '../../actions.ts';
import { useDeviceNames } from '../../components/device-name.ts';
import { MainAction } from '../../components/main-action-button.tsx';
import { ReasonView } from '../../components/reason.tsx';
import { isInTrouble, isNoModel } from '../../components/state-chip.tsx';
import { go } from '../../route.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { SwitchField } from '../../ui/fields.tsx';
import { Facts, Note } from '../../ui/panel.tsx';
import { WithCode } from '../../ui/with-code.ts';
import { useAsked } from '../../use-asked.ts';
import { AskIt } from './ask-it.tsx';
import styles from './model-drawer.module.css';
import { ModelFigures } from './model-figures.tsx';
import { ModelTrust } from './model-trust.tsx';
import { profileFacts } from './profile-facts.ts';
import { Section } from './section.tsx';

export function ModelOverview({ model }: { readonly model: ModelView }) {
  const { id, state, path, aliases, pinned, profile, copy } = model;
  return (
    <div className={styles.body}>
      <Standing model={model} />
      {copy !== null && copy.missing.length > 0 && (
        <Section title={texts.drawer.missing}>
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
            {texts.common.tryIt}
          </Button>
        )}
        <SwitchField checked={pinned} label={texts.drawer.pinned} onChange={(checked) => void pin(id, checked)} />
      </div>
      <ModelFigures model={model} />
      <RunsOn model={model} />
      <AskIt model={model} />
      {profile !== null && (
        <Section title={texts.drawer.whatItIs}>
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
      <Section title={texts.drawer.whereItLies}>
        <p className={styles.path}>{path}</p>
        {aliases.length > 0 && <p>{texts.drawer.aliases(aliases.join(', '))}</p>}
      </Section>
    </div>
  );
}

/** What is told by a headline and its facts is not said once more in one long sentence. */
function Standing({ model }: { readonly model: ModelView }) {
  const { state, headline, message, because, help } = model;
  const words = because === undefined ? message : headline;
  if (isInTrouble(model)) {
    return (
      <Note tone={state === 'failed' ? 'bad' : 'warn'}>
        <p>{words}</p>
        {because !== undefined && <ReasonView reason={because} />}
        {help !== null && (
          <p>
            <WithCode>{help}</WithCode>
          </p>
        )}
      </Note>
    );
  }
  if (state === 'ready' || state === 'loading' || state === 'asleep') return <WhyHere model={model} />;
  return (
    <>
      <p className={styles.message}>{isNoModel(model) ? [message, help].filter(Boolean).join(' ') : words}</p>
      {because !== undefined && !isNoModel(model) && <ReasonView reason={because} />}
    </>
  );
}

/** Why it is where it is: the decision that put it there. */
function WhyHere({ model: { id, state, message } }: { readonly model: ModelView }) {
  const path = `/control/decisions?limit=20&model=${encodeURIComponent(id)}`;
  const because = useAsked<'decisions'>(path, [state]).answer?.decisions.find(({ action }) => action === 'load')?.because;
  if (because === undefined) return <p className={styles.message}>{message}</p>;
  // That it is ready the chip says; what is beside that is worth a line.
  const isPlainReady = state === 'ready' && !message.includes(';');
  return (
    <Section title={texts.drawer.whyThere}>
      <p className={styles.result}>{headlineOf(because)}</p>
      <ReasonView reason={because} />
      {!isPlainReady && <p className={styles.message}>{message}</p>}
    </Section>
  );
}

/** Files that are missing or wrong, those included that nobody needs. */
function Problems({ problems }: { readonly problems: readonly FileProblem[] }) {
  return (
    <Section title={texts.drawer.problems}>
      <ul className={styles.list}>
        {problems.slice(0, PROBLEMS_SHOWN).map(({ file, kind, message, presentBytes, expectedBytes }) => (
          <li key={`${file} ${kind}`}>
            {message}
            {expectedBytes !== null && presentBytes > 0 && texts.drawer.partOfFile(bytesInWords(presentBytes), bytesInWords(expectedBytes))}
          </li>
        ))}
      </ul>
      {problems.length > PROBLEMS_SHOWN && <p className={styles.message}>{texts.common.andMore(problems.length - PROBLEMS_SHOWN)}</p>}
    </Section>
  );
}

const PROBLEMS_SHOWN = 12;

/** Predicted beside measured, device by device: we are judged by the difference. */
function RunsOn({ model }: { readonly model: ModelView }) {
  const nameOf = useDeviceNames();
  const { plan, predictedBytes, measuredBytes, loadSeconds, runtime, pids } = model;
  if (plan === null) return null;
  const ids = [...new Set([...Object.keys(predictedBytes ?? {}), ...Object.keys(measuredBytes ?? {})])];
  return (
    <Section title={texts.drawer.howItRuns}>
      <Facts
        rows={[
          [texts.common.runtime, runtime ?? plan.runtime],
          ...(plan.contextTokens === 0
            ? []
            : [
                [
                  texts.drawer.context,
                  texts.drawer.contextOfSequences(plan.contextTokens.toLocaleString('en'), plan.parallelSequences),
                ] as const,
              ]),
          ...(loadSeconds === null ? [] : [[texts.drawer.loadedIn, secondsInWords(loadSeconds)] as const]),
          ...(pids.length === 0 ? [] : [[texts.drawer.processes, pids.join(', ')] as const]),
        ]}
      />
      <table className={styles.memory}>
        <thead>
          <tr>
            <th scope="col">{texts.common.memory}</th>
            <th scope="col">{texts.drawer.predicted}</th>
            <th scope="col">{texts.drawer.measured}</th>
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
