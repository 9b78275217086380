/**
 * The state of one answer while it arrives: its phase, its text at a speed that can be drawn, and
 * how it ended. Used by the chat and the comparison; knows neither.
 */

import type { Final } from '../../../shared/answer-figures.ts';
import { type ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { COMING_STATES } from '../../../shared/model.ts';
import { unload } from '../../actions.ts';
import { useWindow } from '../../store.ts';
import { answerStream } from './asking.ts';
import { Pace } from './pace.ts';
import type { Body } from './request.ts';

export type Phase = 'waiting' | 'thinking' | 'writing' | 'complete' | 'stopped' | 'failed';

export interface Answering {
  readonly phase: Phase;
  readonly answer: string;
  /** What the model thought aloud in front of its answer; empty where it does not. */
  readonly reasoning: string;
  /** The engine's words on what the request waits for, once it waits for long. */
  readonly why: string | null;
  readonly failure: ModeliumError | null;
  readonly final: Final | null;
}

export const NOT_BEGUN: Answering = { phase: 'waiting', answer: '', reasoning: '', why: null, failure: null, final: null };

export function isUnderWay(answering: Pick<Answering, 'phase'> | undefined): boolean {
  return answering?.phase === 'waiting' || answering?.phase === 'thinking' || answering?.phase === 'writing';
}

/**
 * Asks, and tells each change until the answer ends in whatever way; never throws. @param begun
 * what the answer begins with already.
 */
export async function follow(
  modelId: string,
  body: Body,
  signal: AbortSignal,
  update: (change: Partial<Answering>) => void,
  begun = '',
): Promise<void> {
  const thoughts = new Pace((reasoning) => update(pace.text === '' ? { reasoning, phase: 'thinking' } : { reasoning }));
  const pace = new Pace((text) => update({ answer: begun + text, reasoning: thoughts.text, phase: 'writing' }));
  const words = () => ({ answer: begun + pace.text, reasoning: thoughts.text });
  try {
    for await (const coming of answerStream(modelId, body, signal)) {
      if (coming.type === 'reasoning') thoughts.add(coming.text);
      else if (coming.type === 'text') pace.add(coming.text);
      else if (coming.type === 'waiting') update({ why: coming.why });
      else update({ ...words(), phase: 'complete', final: coming.final });
    }
  } catch (thrown) {
    update(signal.aborted ? { ...words(), phase: 'stopped' } : { ...words(), phase: 'failed', failure: toModeliumError(thrown) });
  } finally {
    thoughts.end();
    pace.end();
  }
}

/**
 * Ends the load that a stopped request waited for where nobody else waits for it: a load goes on
 * when its client merely leaves, but a person who stops it here says that it is not wanted.
 */
export function giveUpLoad(modelId: string): void {
  const model = useWindow.getState().snapshot?.models.find(({ id }) => id === modelId);
  if (model !== undefined && COMING_STATES.has(model.state) && model.waiting <= 1) void unload(modelId);
}
