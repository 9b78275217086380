/** What is in force for one model, and who says so: the settings, the model itself, or nobody. */
import type { OwnLaunch } from '../../../shared/decision.ts';
import type { Policies, Settings } from '../../../shared/settings.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, longSpan, MIB } from '../../../shared/units.ts';
import { pin } from '../../actions.ts';
import { address } from '../../route.ts';
import { SwitchField } from '../../ui/fields.tsx';
import { Note } from '../../ui/panel.tsx';
import { useAsked } from '../../use-asked.ts';
import styles from './model-drawer.module.css';
import table from './model-settings.module.css';
import { Section } from './section.tsx';
import { usePlan } from './use-plan.ts';

const NO_WISH = {};

export function ModelSettings({ model }: { readonly model: ModelView }) {
  const { id, state, pinned } = model;
  const asked = useAsked<'settings'>('/control/settings', [state]);
  const { answer } = usePlan(id, NO_WISH, [state]);
  const own = answer?.own ?? null;
  if (asked.answer === null || own === null)
    return <div className={styles.body}>{asked.trouble !== null && <Note tone="bad">{asked.trouble}</Note>}</div>;
  const settings = asked.answer.settings as Settings;
  const rows = rowsOf({ model, own, settings, planned: answer?.decision?.kind === 'place' ? answer.decision.candidate.plan : null });
  return (
    <div className={styles.body}>
      <SwitchField checked={pinned} label="Pinned: only a person unloads it" onChange={(checked) => void pin(id, checked)} />
      <Section title="In force">
        <table className={table.values}>
          <thead>
            <tr>
              <th scope="col">Setting</th>
              <th scope="col">Value</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, value, from }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
                <td>{from}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <a href={address('settings', 'models')}>Change them in the settings, under {own.name}</a>
      </Section>
    </div>
  );
}

interface Row {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

interface Known {
  readonly model: ModelView;
  readonly own: OwnLaunch;
  readonly settings: Settings;
  /** How it would be launched now. */
  readonly planned: { readonly contextTokens: number; readonly parallelSequences: number; readonly runtime: string } | null;
}

const SETTINGS = "This model's settings";
const AUTOMATIC = 'Automatic';

function rowsOf({ model, own, settings, planned }: Known): readonly Row[] {
  const plan = model.plan ?? planned;
  const said = (is: boolean): string => (is ? SETTINGS : AUTOMATIC);
  const given = settings.models[own.name];
  const context = plan === null ? null : plan.contextTokens;
  return [
    {
      name: 'Context',
      value: context === null || context === 0 ? '-' : `${context.toLocaleString('en')} tokens`,
      from:
        own.context !== null
          ? SETTINGS
          : context !== null && context === model.profile?.contextLength
            ? 'The model: its longest'
            : AUTOMATIC,
    },
    { name: 'Requests side by side', value: plan === null ? '-' : String(plan.parallelSequences), from: said(own.parallel !== null) },
    { name: 'Runtime', value: model.runtime ?? plan?.runtime ?? '-', from: said(own.runtime !== null) },
    { name: 'GPUs', value: gpusInWords(own.gpus), from: said(own.gpus !== null) },
    {
      name: 'Memory',
      value: own.memory_mb === null ? 'as estimated' : bytesInWords(own.memory_mb * MIB),
      from: said(own.memory_mb !== null),
    },
    {
      name: 'Quantisation',
      value: given?.quantization ?? model.profile?.quantization ?? '-',
      from: given?.quantization !== undefined ? SETTINGS : 'The model',
    },
    idleRow(given?.evict_after_idle_seconds, settings.orchestration.policies),
    {
      name: 'Always loaded',
      value: isAlwaysLoaded(model, settings) ? 'yes' : 'no',
      from: isAlwaysLoaded(model, settings) ? 'Settings of all models' : AUTOMATIC,
    },
    { name: 'Aliases', value: given?.aliases?.join(', ') || 'none', from: said(given?.aliases !== undefined) },
    ...(given?.args === undefined ? [] : [{ name: 'Arguments', value: given.args.join(' '), from: SETTINGS }]),
  ];
}

function idleRow(own: number | undefined, { evict_after_idle_seconds: all }: Policies): Row {
  const seconds = own ?? all;
  const value = seconds === 'auto' ? 'as long as loading it again costs more' : `after ${longSpan(seconds * 1000)} without a request`;
  return { name: 'Unloaded', value, from: own === undefined ? 'Settings of all models' : SETTINGS };
}

function isAlwaysLoaded({ id, aliases }: ModelView, { orchestration }: Settings): boolean {
  return [id, ...aliases].some((name) => orchestration.policies.always_loaded.includes(name));
}

function gpusInWords(gpus: OwnLaunch['gpus']): string {
  return gpus === null ? 'any' : gpus.length === 0 ? 'none' : gpus.join(', ');
}
