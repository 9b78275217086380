/** The draft, the parameters and which conversation is open, over a reload of the page. */
import { DEFAULTS, type Parameters } from './request.ts';

const KEY = 'modelium-playground';

export interface KeptState {
  readonly chosen: string | null;
  readonly draft: string;
  readonly parameters: Parameters;
  /** The open conversation of each model. */
  readonly current: Readonly<Record<string, string>>;
}

export function keptState(): KeptState {
  try {
    const { chosen, draft, parameters, current } = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<KeptState>;
    return {
      chosen: typeof chosen === 'string' ? chosen : null,
      draft: typeof draft === 'string' ? draft : '',
      parameters: soundParameters(parameters),
      current: Object.fromEntries(Object.entries(current ?? {}).filter(([, id]) => typeof id === 'string')),
    };
  } catch {
    return { chosen: null, draft: '', parameters: DEFAULTS, current: {} };
  }
}

export function keepState({ chosen, draft, parameters, current }: KeptState): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ chosen, draft, parameters, current }));
  } catch {
    // A browser that keeps nothing, or a draft of megabytes.
  }
}

/** What another version wrote may have other kinds of values. */
function soundParameters(stored: unknown): Parameters {
  const given = (stored ?? {}) as Record<string, unknown>;
  const text = (name: 'system' | 'seed' | 'stop'): string => (typeof given[name] === 'string' ? given[name] : DEFAULTS[name]);
  const number = (name: 'temperature' | 'topP' | 'maxTokens'): number | null => (typeof given[name] === 'number' ? given[name] : null);
  return {
    ...{ system: text('system'), seed: text('seed'), stop: text('stop') },
    ...{ temperature: number('temperature'), topP: number('topP'), maxTokens: number('maxTokens') },
  };
}
