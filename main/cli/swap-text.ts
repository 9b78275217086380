/**
 * Writes the settings made from a llama-swap configuration as the text of a modelium.yaml. Pure.
 */
import { harmless, shellWord } from '../../shared/visible.ts';
import { INDENT, inFlow } from '../io/settings/yaml-words.ts';
import type { Commented, SwapSettings } from './swap-settings.ts';

const LONGEST_COMMENT = 110;

/** @param file from which they were made. */
export function swapText(file: string, { notes, paths, policies, runtimes, remotes, models }: SwapSettings): string {
  return `${[
    ...comments(0, [`Made of ${file}, a configuration of llama-swap, by \`modelium import\`.`]),
    ...comments(
      0,
      paths.length === 0
        ? []
        : ['', `Models are registered by path. Run these once${fromWhere(paths)}, unless a watch folder contains the models:`],
    ),
    ...paths.map((path) => comment(0, `  modelium add ${shellWord(path)}`)),
    ...comments(
      0,
      notes.length === 0 ? [] : ['', 'What has no counterpart here, or needs manual work:', ...notes.map((note) => `- ${note}`)],
    ),
    '',
    'orchestration:',
    `${' '.repeat(INDENT)}policies:`,
    ...fields(2, policies),
    ...section('runtimes', runtimes),
    ...section('remotes', remotes),
    ...section('models', models),
  ].join('\n')}\n`;
}

function fromWhere(paths: readonly string[]): string {
  return paths.every((path) => /^[/~]/.test(path)) ? '' : ', in the folder in which llama-swap ran';
}

function section(name: string, entries: ReadonlyMap<string, Commented>): readonly string[] {
  if (entries.size === 0) return [];
  const below = [...entries].flatMap(([key, { value, notes }]) => [
    ...comments(
      1,
      notes.filter((note) => note !== ''),
    ),
    `${' '.repeat(INDENT)}${inFlow(key, false)}:`,
    ...fields(2, value),
  ]);
  return ['', `${name}:`, ...below];
}

function fields(depth: number, value: Commented['value']): readonly string[] {
  return Object.entries(value).map(([key, inner]) => `${' '.repeat(depth * INDENT)}${key}: ${inFlow(inner, false)}`);
}

function comments(depth: number, sentences: readonly string[]): readonly string[] {
  return sentences.flatMap((sentence) => {
    const hanging = sentence.startsWith('- ') ? '  ' : '';
    return wrapped(sentence).map((line, index) => comment(depth, `${index === 0 ? '' : hanging}${line}`));
  });
}

/** Whatever somebody's file says, it never leaves the comment. */
function comment(depth: number, line: string): string {
  return `${' '.repeat(depth * INDENT)}# ${harmless(line.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '))}`.trimEnd();
}

function wrapped(sentence: string): readonly string[] {
  const lines = [''];
  for (const word of sentence.split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > LONGEST_COMMENT) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
