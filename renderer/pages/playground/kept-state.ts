/** Keeps choices, draft, parameters and the open conversation over a reload of the page. */
import { DEFAULTS, isDefault, type Parameters } from './request.ts';

/** Which way of asking is shown. */
export const MODES = ['ask', 'compare', 'load-test'] as const;
export type Mode = (typeof MODES)[number];
/** The columns of a comparison; more are too narrow to read. */
export const LETTERS = 'ABCD';
export const MOST_COMPARED = LETTERS.length;

const KEY = 'modelium-playground';
/** Models whose parameters are kept: those of models that are gone would else stay for ever. */
const MODELS_KEPT = 200;

export interface KeptState {
  readonly mode: Mode;
  readonly chosen: string | null;
  /** The one that was chosen last of each kind. */
  readonly chosenByKind: Readonly<Record<string, string>>;
  /** Those that are compared. */
  readonly compared: readonly string[];
  readonly draft: string;
  /** By model; none for those of which nobody changed any. */
  readonly parameters: Readonly<Record<string, Parameters>>;
  /** The open conversation of each model. */
  readonly current: Readonly<Record<string, string>>;
}

const NAMES = ['mode', 'chosen', 'chosenByKind', 'compared', 'draft', 'parameters', 'current'] as const satisfies (keyof KeptState)[];

export function keptState(): KeptState {
  const kept = stored();
  const { mode, chosen, compared, draft } = kept;
  return {
    mode: MODES.find((each) => each === mode) ?? 'ask',
    chosen: typeof chosen === 'string' ? chosen : null,
    chosenByKind: textsOf(kept['chosenByKind']),
    compared: Array.isArray(compared) ? compared.filter((id) => typeof id === 'string').slice(0, MOST_COMPARED) : [],
    draft: typeof draft === 'string' ? draft : '',
    parameters: parametersOfAll(kept['parameters']),
    current: textsOf(kept['current']),
  };
}

export function keepState(state: KeptState): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, state[name]]))));
  } catch {
    // A browser that keeps nothing, or a draft of megabytes.
  }
}

/** Is there anything that would be kept otherwise? */
export function differs(state: KeptState, before: KeptState): boolean {
  return NAMES.some((name) => state[name] !== before[name]);
}

function stored(): Readonly<Partial<Record<keyof KeptState, unknown>>> {
  try {
    return objectOf(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return {};
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function parametersOfAll(value: unknown): Readonly<Record<string, Parameters>> {
  const sound = Object.entries(objectOf(value)).map(([id, given]) => [id, soundParameters(objectOf(given))] as const);
  return Object.fromEntries(sound.filter(([, parameters]) => !isDefault(parameters)).slice(-MODELS_KEPT));
}

/** What another version wrote may have other kinds of values. */
function soundParameters(given: Readonly<Record<string, unknown>>): Parameters {
  const text = (name: 'system' | 'seed' | 'stop'): string => (typeof given[name] === 'string' ? given[name] : DEFAULTS[name]);
  const number = (name: 'temperature' | 'topP' | 'maxTokens'): number | null => (typeof given[name] === 'number' ? given[name] : null);
  return {
    system: text('system'),
    seed: text('seed'),
    stop: text('stop'),
    temperature: number('temperature'),
    topP: number('topP'),
    maxTokens: number('maxTokens'),
  };
}
