/**
 * The values in force for one model, where each comes from, and what the next load would use: the
 * settings may have changed since the model was loaded, and values that nobody set depend on free
 * memory. Pure.
 */
import { HOST_DEVICE, type LaunchPlan, type OwnLaunch } from '../../../shared/decision.ts';
import type { ModelSettings, Policies, Settings } from '../../../shared/settings.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, longSpan, MIB } from '../../../shared/units.ts';
import { mainDevices } from '../../components/device-name.ts';
import * as texts from '../../texts.ts';

export interface Row {
  readonly name: string;
  readonly value: string;
  /** The value of a load that began now; null: the same. */
  readonly next: string | null;
  readonly from: string;
}

export interface Known {
  readonly model: Pick<ModelView, 'id' | 'aliases' | 'plan' | 'runtime' | 'devices' | 'profile'>;
  readonly own: OwnLaunch;
  readonly settings: Settings;
  /** How it would be launched now; null: it would not. */
  readonly planned: Pick<LaunchPlan, 'contextTokens' | 'parallelSequences' | 'runtime'> | null;
  readonly deviceName: (id: string) => string;
}

const FROM_SETTINGS = texts.inForce.fromModelSettings;
const AUTOMATIC = texts.common.automatic;
const BEFORE = texts.inForce.beforeChange;
const EVERY_MODEL = texts.inForce.fromAllModels;

export function inForce({ model, own, settings, planned, deviceName }: Known): readonly Row[] {
  const given = settings.models[own.name];
  return [...launchRows({ model, own, settings, planned, deviceName }), ...otherRows(model, own, settings, given)];
}

function launchRows({ model, own, planned, deviceName }: Known): readonly Row[] {
  const loaded = model.plan;
  const row = <Value>(name: string, one: Launched<Value>): Row => ({ name, ...launched(one, loaded !== null) });
  return [
    row(texts.drawer.context, {
      loaded: loaded?.contextTokens ?? null,
      own: own.context,
      planned: planned?.contextTokens ?? null,
      words: tokens,
      automatic: (context) => (context === model.profile?.contextLength ? texts.inForce.longestOfModel : AUTOMATIC),
    }),
    row(texts.plan.sideBySide, {
      loaded: loaded?.parallelSequences ?? null,
      own: own.parallel,
      planned: planned?.parallelSequences ?? null,
      words: String,
    }),
    row(texts.common.runtime, {
      loaded: model.runtime ?? loaded?.runtime ?? null,
      own: own.runtime,
      planned: planned?.runtime ?? null,
      words: String,
    }),
    gpuRow(model, own.gpus, deviceName),
  ];
}

function gpuRow({ plan, devices }: Known['model'], own: OwnLaunch['gpus'], deviceName: Known['deviceName']): Row {
  const from = own === null ? AUTOMATIC : FROM_SETTINGS;
  if (plan === null || devices.length === 0) return { name: texts.common.gpus, value: gpusInWords(own), next: null, from };
  const isNamed = (id: string): boolean =>
    id === HOST_DEVICE ? own?.length === 0 : (own?.some((gpu) => gpu === id || texts.common.gpu(gpu) === deviceName(id)) ?? true);
  const isThere = own === null || mainDevices(devices).every(isNamed);
  const value = mainDevices(devices).map(deviceName).join(', ');
  return { name: texts.common.gpus, value, next: isThere ? null : gpusInWords(own), from: isThere ? from : BEFORE };
}

interface Launched<Value> {
  /** Null: it is not loaded, or it is not known of it. */
  readonly loaded: Value | null;
  readonly own: Value | null;
  readonly planned: Value | null;
  readonly words: (value: Value) => string;
  /** Whose value it is where the settings say nothing. */
  readonly automatic?: (value: Value) => string;
}

function launched<Value>(
  { loaded, own, planned, words, automatic = () => AUTOMATIC }: Launched<Value>,
  isLoaded: boolean,
): Pick<Row, 'value' | 'next' | 'from'> {
  const then = own ?? planned;
  const value = isLoaded ? loaded : then;
  if (value === null) return { value: '-', next: null, from: own === null ? AUTOMATIC : FROM_SETTINGS };
  const isOther = isLoaded && then !== null && then !== value;
  const from = own === null ? automatic(value) : isOther ? BEFORE : FROM_SETTINGS;
  return { value: words(value), next: isOther ? words(then) : null, from };
}

/** What holds at once, loaded or not. */
function otherRows(model: Known['model'], own: OwnLaunch, settings: Settings, given: ModelSettings | undefined): readonly Row[] {
  const always = isAlwaysLoaded(model, settings);
  const set = (is: boolean): string => (is ? FROM_SETTINGS : AUTOMATIC);
  const rows: readonly Omit<Row, 'next'>[] = [
    {
      name: texts.common.memory,
      value: own.memory_mb === null ? texts.inForce.asEstimated : bytesInWords(own.memory_mb * MIB),
      from: set(own.memory_mb !== null),
    },
    {
      name: texts.inForce.quantization,
      value: given?.quantization ?? model.profile?.quantization ?? '-',
      from: given?.quantization === undefined ? texts.inForce.fromModel : FROM_SETTINGS,
    },
    idleRow(given?.evict_after_idle_seconds, settings.orchestration.policies),
    { name: texts.inForce.alwaysLoaded, value: always ? texts.common.yes : texts.common.no, from: always ? EVERY_MODEL : AUTOMATIC },
    { name: texts.inForce.aliases, value: given?.aliases?.join(', ') || texts.common.none, from: set(given?.aliases !== undefined) },
  ];
  const args = given?.args === undefined ? [] : [{ name: texts.inForce.arguments, value: given.args.join(' '), from: FROM_SETTINGS }];
  return [...rows, ...args].map((row) => ({ ...row, next: null }));
}

function idleRow(own: number | undefined, { evict_after_idle_seconds: all }: Policies): Omit<Row, 'next'> {
  const seconds = own ?? all;
  const value = seconds === 'auto' ? texts.inForce.asLongAsWorthIt : texts.inForce.afterIdle(longSpan(seconds * 1000));
  return { name: texts.inForce.unloaded, value, from: own === undefined ? EVERY_MODEL : FROM_SETTINGS };
}

function isAlwaysLoaded({ id, aliases }: Pick<ModelView, 'id' | 'aliases'>, { orchestration }: Settings): boolean {
  return [id, ...aliases].some((name) => orchestration.policies.always_loaded.includes(name));
}

function tokens(count: number): string {
  return count === 0 ? '-' : texts.common.tokens(count.toLocaleString('en'));
}

function gpusInWords(gpus: OwnLaunch['gpus']): string {
  if (gpus === null) return texts.inForce.anyGpu;
  return gpus.length === 0 ? texts.common.none : gpus.map((gpu) => (typeof gpu === 'number' ? texts.common.gpu(gpu) : gpu)).join(', ');
}
