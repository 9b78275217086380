/**
 * Says in which thread a settings text is read or edited: a small one at once, any other in a
 * thread of its own, with bounds on time and memory (I10), because requests must not wait while a
 * long file is parsed (I12). The thread starts with such a text and ends soon after it.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { createOneByOneThread } from '../one-by-one-thread.ts';
import type { SettingsThreadAnswer } from './settings-program.ts';
import { answerTo, type SettingsAnswers, type SettingsQuestion } from './settings-text.ts';

export interface SettingsReader {
  /** @throws ModeliumError settings-invalid, settings-refused, shutting-down. */
  ask<Kind extends keyof SettingsAnswers>(question: SettingsQuestion<Kind>): Promise<SettingsAnswers[Kind]>;
}

/** Where nothing else waits: at the start of an engine, and in a command of the command line. */
export const IN_THIS_THREAD: SettingsReader = { ask: async (question) => answerTo(question) };

/**
 * Characters without comments: parsed within a millisecond or two, unless somebody made them to
 * take long, and then within ten. Files of most people are shorter.
 */
const MOST_HERE = 2_048;
/**
 * The longest texts take about a second, and their edits, which read them again for each value,
 * some more.
 */
const LONGEST_MS = 30_000;
const HEAP_MB = 256;

/** No answer came. */
class Unanswered extends Error {}

/** @param program the thread's file: settings-program. */
export function createSettingsReader(program: string, clock: Clock): SettingsReader & { close(): Promise<void> } {
  const failed = (why: string) => new Unanswered(why);
  const thread = createOneByOneThread<SettingsQuestion, SettingsThreadAnswer>(
    { program, heapMb: HEAP_MB, longestMs: LONGEST_MS, failed },
    clock,
  );
  return {
    async ask<Kind extends keyof SettingsAnswers>(question: SettingsQuestion<Kind>): Promise<SettingsAnswers[Kind]> {
      if (isSmall(question)) return answerTo(question);
      const answer = await thread.ask(question).catch((thrown) => {
        throw thrown instanceof Unanswered ? unanswered(question, thrown.message) : thrown;
      });
      if ('value' in answer) return answer.value as SettingsAnswers[Kind];
      const { code, message, param } = answer;
      throw new ModeliumError(code, message, param === undefined ? {} : { param });
    },
    close: () => thread.close(),
  };
}

function unanswered({ kind, file }: SettingsQuestion, why: string): ModeliumError {
  return kind === 'edited'
    ? new ModeliumError('settings-refused', `${file} could not be edited from here: ${why}. Edit it by hand.`)
    : new ModeliumError('settings-invalid', `${file} could not be read: ${why}. Make it shorter.`);
}

/** An edit reads the text again for each value. */
function isSmall({ text, changes = [] }: SettingsQuestion): boolean {
  if (changes.length === 0) return weightUpTo(MOST_HERE, text) <= MOST_HERE;
  const words = JSON.stringify(changes);
  const most = MOST_HERE / words.split(',').length - words.length;
  return weightUpTo(most, text) <= most;
}

const COMMENT = /[ \t]*#/y;

/** A line that is a comment costs next to nothing. Stops counting above `most`. */
function weightUpTo(most: number, text: string): number {
  let weight = 0;
  for (let start = 0; start < text.length && weight <= most; ) {
    const end = text.indexOf('\n', start) + 1 || text.length;
    COMMENT.lastIndex = start;
    weight += COMMENT.test(text) ? 1 : end - start;
    start = end;
  }
  return weight;
}
