/**
 * Requests whose answer arrives as a whole, one at a time for each model: in progress, answered or
 * failed. Remembered while the window is open. Knows no route.
 */
import { create } from 'zustand';
import { type ModeliumError, toModeliumError } from '../../../shared/errors.ts';

export interface Once<Result> {
  readonly underWay: AbortController | null;
  readonly result: Result | null;
  readonly failure: ModeliumError | null;
}

export interface OncePerModel<Result> {
  readonly use: (modelId: string) => Once<Result>;
  /** A request of the same model that is under way is given up. */
  readonly ask: (modelId: string, work: (signal: AbortSignal) => Promise<Result>) => Promise<void>;
  readonly cancel: (modelId: string) => void;
}

const NOTHING = { underWay: null, result: null, failure: null } as const;

/** For one form: each has its own, made once. */
export function oncePerModel<Result>(): OncePerModel<Result> {
  const useStates = create<Readonly<Record<string, Once<Result>>>>(() => ({}));
  const stateOf = (modelId: string): Once<Result> => useStates.getState()[modelId] ?? NOTHING;
  return {
    use: (modelId) => useStates((states) => states[modelId] ?? NOTHING),
    cancel: (modelId) => stateOf(modelId).underWay?.abort(),
    async ask(modelId, work) {
      stateOf(modelId).underWay?.abort();
      const underWay = new AbortController();
      useStates.setState({ [modelId]: { underWay, result: null, failure: null } });
      const settle = (change: Partial<Once<Result>>): void => {
        if (stateOf(modelId).underWay === underWay) useStates.setState({ [modelId]: { ...NOTHING, ...change } });
      };
      try {
        settle({ result: await work(underWay.signal) });
      } catch (thrown) {
        settle({ failure: underWay.signal.aborted ? null : toModeliumError(thrown) });
      }
    },
  };
}

const useTypedTexts = create<Readonly<Record<string, string>>>(() => ({}));

/**
 * What is typed into a field of a form, kept over other pages. @param name of the field among all
 * forms.
 */
export function useTyped(name: string): readonly [string, (typed: string) => void] {
  const typed = useTypedTexts((texts) => texts[name] ?? '');
  return [typed, (next) => useTypedTexts.setState({ [name]: next })];
}
