/**
 * What would happen if the model were requested now, and what another context, place or runtime
 * would change: a dry run of the brain, repeated while the user moves a slider.
 */

import { useState } from 'react';
import type { Candidate, Decision, LaunchWish, OwnLaunch } from '../../../shared/decision.ts';
import { LOADED_STATES } from '../../../shared/model.ts';
import { headlineOf } from '../../../shared/reason-words.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, MIB } from '../../../shared/units.ts';
import { CandidateTable } from '../../components/candidate-table.tsx';
import { ReasonView } from '../../components/reason.tsx';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Note } from '../../ui/panel.tsx';
import { WithCode } from '../../ui/with-code.ts';
import { type Change, changeInWords, changesOf, saveLaunch } from './launch.ts';
import styles from './model-drawer.module.css';
import { PlanControls } from './plan-controls.tsx';
import { PlanMemory } from './plan-memory.tsx';
import { Section } from './section.tsx';
import { usePlan } from './use-plan.ts';

const ROUGHLY_BYTES = 256 * MIB;

export function ModelPlan({ model }: { readonly model: ModelView }) {
  const { id, state } = model;
  const [wish, setWish] = useState<LaunchWish>({});
  const lastDecisionId = useWindow((window) => window.snapshot?.lastDecisionId);
  // What there is on the devices is another plan: roughly, for a little comes and goes all the
  // time.
  const room = useWindow((window) =>
    window.snapshot?.devices.map(({ availableBytes }) => Math.round(availableBytes / ROUGHLY_BYTES)).join(),
  );
  const { answer, trouble } = usePlan(id, wish, [state, lastDecisionId, room]);
  const own = answer?.own ?? null;
  if (answer === null || own === null) return <div className={styles.body}>{trouble !== null && <Note tone="bad">{trouble}</Note>}</div>;
  const { decision } = answer;
  const changes = changesOf(wish, own);
  const best = decision === null ? null : bestOf(decision);
  return (
    <div className={styles.body}>
      {trouble !== null && <Note tone="bad">{trouble}</Note>}
      <PlanControls best={best} model={model} onChange={(part) => setWish((before) => ({ ...before, ...part }))} own={own} wish={wish} />
      {changes.length > 0 && <Save changes={changes} model={model} onDone={() => setWish({})} />}
      {decision === null ? (
        <p>{answer.message}</p>
      ) : (
        <Planned
          best={best}
          decision={decision}
          model={model}
          onOverride={(memory_mb) => setWish((before) => ({ ...before, memory_mb }))}
          own={own}
        />
      )}
    </div>
  );
}

/** The one that is taken or waited for; of a refusal the one that comes nearest. */
function bestOf(decision: Decision): Candidate | null {
  if (decision.kind === 'place') return decision.candidate;
  return decision.candidates.find(({ bytesNeeded }) => Object.keys(bytesNeeded).length > 0) ?? null;
}

interface SaveProps {
  readonly model: ModelView;
  readonly changes: readonly Change[];
  readonly onDone: () => void;
}

function Save({ model: { id, state }, changes, onDone }: SaveProps) {
  const [isSaving, setSaving] = useState(false);
  const isLoaded = LOADED_STATES.has(state);
  const save = async (): Promise<void> => {
    setSaving(true);
    if (await saveLaunch(id, isLoaded, changes)) onDone();
    setSaving(false);
  };
  return (
    <div className={styles.save}>
      <code>{changes.map(changeInWords).join(', ')}</code>
      <div className={styles.actions}>
        <Button disabled={isSaving} variant="primary" onClick={() => void save()} small>
          {isLoaded ? texts.plan.saveAndReload : texts.plan.saveAndLoad}
        </Button>
        <Button onClick={onDone} small>
          {texts.plan.takeBack}
        </Button>
      </div>
    </div>
  );
}

interface PlannedProps {
  readonly model: ModelView;
  readonly decision: Decision;
  readonly best: Candidate | null;
  readonly own: OwnLaunch;
  readonly onOverride: (memoryMb: number) => void;
}

function Planned({ model, decision, best, onOverride }: PlannedProps) {
  const { candidates, because, kind } = decision;
  return (
    <>
      <Section title={texts.plan.whatWouldHappen}>
        <p className={styles.result}>{headlineOf(because)}</p>
        <ReasonView reason={because} />
        {kind === 'refuse' && (
          <Note tone="warn">
            <WithCode>{decision.help}</WithCode>
          </Note>
        )}
        {kind === 'refuse' && <Override decision={decision} onOverride={onOverride} />}
        {best !== null && best.victims.length > 0 && (
          <p>
            {texts.plan.mustLeaveFirst} <b>{best.victims.join(', ')}</b>
          </p>
        )}
      </Section>
      {best !== null && <PlanMemory candidate={best} model={model} />}
      {candidates.length > 0 && (
        <details>
          <summary>{candidates.length === 1 ? texts.plan.onlyOption : texts.plan.allOptions(candidates.length)}</summary>
          <CandidateTable candidates={candidates} chosen={kind === 'place' ? 0 : null} />
        </details>
      )}
    </>
  );
}

interface OverrideProps {
  readonly decision: Extract<Decision, { kind: 'refuse' }>;
  readonly onOverride: (memoryMb: number) => void;
}

/**
 * An estimate may be too careful, and a person may know better: then Modelium reckons with what
 * there is, and the ledger says who said so.
 */
function Override({ decision: { refusal, candidates }, onOverride }: OverrideProps) {
  if (refusal !== 'too-large' && refusal !== 'no-room') return null;
  const onGpus = candidates.filter(({ plan }) => plan.placement.kind === 'gpu');
  const most = Math.max(0, ...(onGpus.length > 0 ? onGpus : candidates).map((candidate) => mostOf(candidate)));
  const megabytes = Math.floor(most / MIB);
  if (megabytes < 1) return null;
  return (
    <div className={styles.override}>
      <Button onClick={() => onOverride(megabytes)} small>
        {texts.plan.override}
      </Button>
      <p className={styles.message}>{texts.plan.overrideMeans(bytesInWords(most))}</p>
    </div>
  );
}

/** What is free on the devices that carry it, together. */
function mostOf({ plan: { placement }, bytesThere }: Candidate): number {
  if (placement.kind === 'gpu') return placement.gpus.length * Math.min(...placement.gpus.map((id) => bytesThere[id] ?? 0));
  return placement.kind === 'cpu' ? (bytesThere['cpu'] ?? 0) : 0;
}
