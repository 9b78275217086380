/**
 * A thread that reads and edits the longer settings texts, so that the engine's own thread does
 * not. Keeps nothing between two questions.
 */
import { type ErrorCode, toModeliumError } from '../../../shared/errors.ts';
import { answerOneByOne } from '../answer-thread.ts';
import { answerTo, type SettingsQuestion } from './settings-text.ts';

/** An error crosses as its parts: what is thrown here would end the thread. */
export type SettingsThreadAnswer =
  | { readonly value: unknown }
  | { readonly code: ErrorCode; readonly message: string; readonly param: string | undefined };

function answer(question: SettingsQuestion): SettingsThreadAnswer {
  try {
    return { value: answerTo(question) };
  } catch (thrown) {
    const { code, message, details } = toModeliumError(thrown);
    return { code, message, param: details.param };
  }
}

answerOneByOne<SettingsQuestion, SettingsThreadAnswer>(answer, () => []);
