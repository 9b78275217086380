/** The running or last load test: its settings and figures. The engine sends the requests. */
import { create } from 'zustand';
import type { LoadTest, LoadTestFigures } from '../../../shared/api-load-test.ts';
import { ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { open } from '../../api.ts';
import * as texts from '../../texts.ts';

export type Wish = Omit<LoadTest, 'model'>;

interface LoadTestState {
  readonly wish: Wish;
  /** Of which model what follows is, and what was asked for. */
  readonly asked: LoadTest | null;
  readonly underWay: AbortController | null;
  readonly figures: LoadTestFigures | null;
  readonly failure: ModeliumError | null;
}

export const useLoadTest = create<LoadTestState>(() => ({
  wish: { parallel: 8, requests: 40, promptWords: 100, maxTokens: 100 },
  asked: null,
  underWay: null,
  figures: null,
  failure: null,
}));

/** One at a time: a second one would spoil the first one's figures. */
export async function startLoadTest(model: string): Promise<void> {
  const { wish, underWay } = useLoadTest.getState();
  if (underWay !== null) return;
  const ending = new AbortController();
  const asked = { ...wish, model };
  useLoadTest.setState({ asked, underWay: ending, figures: null, failure: null });
  try {
    const init = {
      method: 'POST' as const,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
      signal: ending.signal,
    };
    for await (const { data } of await open('/control/load-test', init)) {
      if (data !== null) useLoadTest.setState({ figures: JSON.parse(data) as LoadTestFigures });
    }
    if (useLoadTest.getState().figures?.isDone !== true) throw new ModeliumError('not-running', texts.loadTest.engineWentAway);
  } catch (thrown) {
    if (!ending.signal.aborted) useLoadTest.setState({ failure: toModeliumError(thrown) });
  } finally {
    useLoadTest.setState({ underWay: null });
  }
}

export function stopLoadTest(): void {
  useLoadTest.getState().underWay?.abort();
}
