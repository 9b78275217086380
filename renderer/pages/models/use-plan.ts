/**
 * Requests dry runs while the user moves a slider: one at a time, then the newest, so that no queue
 * of requests builds up.
 */
import { useEffect, useState } from 'react';
import type { LaunchWish } from '../../../shared/decision.ts';
import { toModeliumError } from '../../../shared/errors.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { useAgain } from '../../use-asked.ts';

export interface PlanState {
  /** The last one, also while it is asked again; null before the first. */
  readonly answer: AnswerOf<'plan'> | null;
  readonly trouble: string | null;
}

/** @param again asks again when one of them is other than before: room came or went. */
export function usePlan(target: string, wish: LaunchWish, again: readonly (string | number | undefined)[]): PlanState {
  const [state, setState] = useState<PlanState>({ answer: null, trouble: null });
  const [asker] = useState(() => createAsker(setState));
  useEffect(() => asker.begin(), [asker]);
  useAgain(() => asker.ask({ target, with: wish }), [target, JSON.stringify(wish), ...again]);
  return state;
}

interface Question {
  readonly target: string;
  readonly with: LaunchWish;
}

function createAsker(report: (state: PlanState) => void) {
  let next: Question | null = null;
  let isAsking = false;
  let isOpen = false;
  let answer: AnswerOf<'plan'> | null = null;
  async function run(): Promise<void> {
    isAsking = true;
    while (next !== null && isOpen) {
      const question = next;
      next = null;
      try {
        answer = await ask<'plan'>('POST', '/control/plan', { body: question });
        if (isOpen) report({ answer, trouble: null });
      } catch (thrown) {
        if (isOpen) report({ answer, trouble: toModeliumError(thrown).message });
      }
    }
    isAsking = false;
  }
  return {
    /** @returns what ends it. */
    begin(): () => void {
      isOpen = true;
      return () => {
        isOpen = false;
      };
    },
    ask(question: Question): void {
      next = question;
      if (!isAsking) void run();
    },
  };
}
