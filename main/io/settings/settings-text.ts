/**
 * What the text of a modelium.yaml says, and what it becomes by an edit. Errors name line and
 * column. Pure: `settings-reader.ts` says in which thread it is done. Schema and defaults are in
 * `shared/settings.ts`, the error sentences in `shared/settings-check.ts`.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Settings } from '../../../shared/settings.ts';
import { checkSettings, type SettingsProblem } from '../../../shared/settings-check.ts';
import { fileOnlyChanges, fileOnlyValues } from '../../../shared/settings-keys.ts';
import { ChangeRefused, type DataChange } from './yaml-change.ts';
import { itemOf, nodeAt, readYaml, type YamlNode, type YamlText } from './yaml-document.ts';
import { editYaml } from './yaml-edit.ts';

/** By the kind of question, what is answered. */
export interface SettingsAnswers {
  /** @throws ModeliumError settings-invalid. */
  readonly settings: Settings;
  /** What it names of programs, as `key: value`; null: it is no YAML. */
  readonly programs: readonly string[] | null;
  /** As plain data, valid or not; null: it is no YAML, or no section. */
  readonly given: Record<string, unknown> | null;
  /** The text with the changes. @throws ModeliumError settings-refused, settings-invalid. */
  readonly edited: string;
}

export interface SettingsQuestion<Kind extends keyof SettingsAnswers = keyof SettingsAnswers> {
  readonly kind: Kind;
  /** Only for the words of errors. */
  readonly file: string;
  readonly text: string;
  /** Of an edit. */
  readonly changes?: readonly DataChange[];
}

const ANSWERS: { readonly [Kind in keyof SettingsAnswers]: (question: SettingsQuestion) => SettingsAnswers[Kind] } = {
  settings: ({ text, file }) => parseSettings(text, file),
  programs: ({ text, file }) => programLinesIn(text, file),
  given: ({ text }) => givenIn(text),
  edited: ({ text, file, changes = [] }) => edited(text, file, changes),
};

export function answerTo<Kind extends keyof SettingsAnswers>(question: SettingsQuestion<Kind>): SettingsAnswers[Kind] {
  return ANSWERS[question.kind](question);
}

/**
 * An edit reads the text a few times for each value; a larger file is no file of a person (I10).
 */
const LARGEST_EDITED_CHARACTERS = 128 * 1024;
const MOST_PROBLEMS_SHOWN = 5;
const MOST_REFUSALS_SHOWN = 20;

/**
 * The settings in a file's text.
 * @param file only for the words of the error.
 * @throws ModeliumError `settings-invalid`, one line for each problem:
 * `file:line:column: what is wrong`.
 */
export function parseSettings(text: string, file: string): Settings {
  const yaml = readYaml(text);
  const checked = checkSettings(dataOf(yaml, file));
  if ('settings' in checked) return checked.settings;
  throw invalid(checked.problems.map((problem) => `${file}:${yaml.place(offsetOf(yaml.root, problem))}: ${problem.sentence}`));
}

/** As plain data, valid or not. @throws ModeliumError settings-invalid: it is no YAML. */
export function dataIn(text: string, file: string): unknown {
  return dataOf(readYaml(text), file);
}

/** What a file names of programs to start, as `key: value`. @param data what it says. */
export function programLines(data: unknown): readonly string[] {
  return fileOnlyValues(data).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
}

/** What is no fault of the text is thrown: then nobody knows what it names. */
function programLinesIn(text: string, file: string): readonly string[] | null {
  try {
    return programLines(dataIn(text, file));
  } catch (thrown) {
    if (thrown instanceof ModeliumError) return null;
    throw thrown;
  }
}

function givenIn(text: string): Record<string, unknown> | null {
  try {
    const data = dataIn(text, '') ?? {};
    return typeof data === 'object' && !Array.isArray(data) ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function dataOf(yaml: YamlText, file: string): unknown {
  if (yaml.errors.length > 0) throw invalid(yaml.errors.map(({ offset, message }) => `${file}:${yaml.place(offset)}: ${message}`));
  try {
    return yaml.data();
  } catch (cause) {
    throw invalid([`${file}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

function invalid(sentences: readonly string[]): ModeliumError {
  const shown = sentences.slice(0, MOST_PROBLEMS_SHOWN);
  if (sentences.length > shown.length) shown.push(`... and ${sentences.length - shown.length} more.`);
  return new ModeliumError('settings-invalid', shown.join('\n'));
}

/**
 * Where in the text the offending key or value stands; a missing one is shown at the section that
 * lacks it.
 */
function offsetOf(root: YamlNode | null, { path, key }: Pick<SettingsProblem, 'path' | 'key'>): number {
  const { node, depth } = nodeAt(root, path);
  if (depth === path.length) {
    const offset = (key === null ? undefined : itemOf(node, key)?.start) ?? node?.start;
    if (offset !== undefined) return offset;
  }
  return path.length === 0 ? 0 : offsetOf(root, { path: path.slice(0, -1), key: String(path.at(-1)) });
}

function edited(text: string, file: string, changes: readonly DataChange[]): string {
  if (text.length > LARGEST_EDITED_CHARACTERS) throw refused(`${file} is too large to be edited from here: edit it by hand.`);
  const before = dataIn(text, file);
  const after = withChanges(text, changes);
  const data = dataIn(after, file);
  requireValid(data);
  requireHarmless(before, data, file);
  return after;
}

function withChanges(text: string, changes: readonly DataChange[]): string {
  try {
    return editYaml(text, changes);
  } catch (thrown) {
    if (thrown instanceof ChangeRefused) throw refused(thrown.message);
    throw thrown;
  }
}

/**
 * Whoever has the token may change what is served and how, and not which programs this machine
 * starts.
 */
function requireHarmless(before: unknown, after: unknown, file: string): void {
  const [first, ...more] = fileOnlyChanges(before, after);
  if (first === undefined) return;
  const sentence = (key: string): string =>
    `${key}: this setting names a program to start, or its arguments or environment; change it in ${file} itself.`;
  throw refused([first, ...more].map(sentence).join('\n'), first);
}

function requireValid(data: unknown): void {
  const checked = checkSettings(data);
  if ('settings' in checked) return;
  const [first] = checked.problems;
  const param = [...(first?.path ?? []), ...(first?.key == null ? [] : [first.key])].join('.');
  const sentences = checked.problems.slice(0, MOST_REFUSALS_SHOWN).map(({ sentence }) => sentence);
  throw refused(sentences.join('\n'), param);
}

function refused(sentence: string, param?: string): ModeliumError {
  return new ModeliumError('settings-refused', sentence, param === undefined ? {} : { param });
}
