/**
 * The text of a new modelium.yaml: every key with its meaning and default, commented out. Removing
 * the first `#` of each line gives a valid file with the defaults. Pure; keys and texts come from
 * the schema.
 */

import { ANY_NAME, type SettingsKey, settingsKeys } from '../../shared/settings-keys.ts';
import { INDENT, inFlow } from '../io/settings/yaml-words.ts';

const LONGEST_LINE = 110;
const RESTART = 'Takes effect at the next start.';

const HEAD = `
Modelium's settings. Each key is here with its default, commented out, so this file changes nothing yet.
To change a key, remove the # before it and before the names of its sections.
A running Modelium reads the file again when you save it; \`modelium check\` finds mistakes.

What people change first:
  other folders for models     orchestration: model_discovery: watch_directories
  how long an idle model stays orchestration: policies: evict_after_idle_seconds
  GPUs to leave alone          gpus: use
`;

export function settingsTemplate(): string {
  const head = HEAD.trim()
    .split('\n')
    .map((line) => `## ${line}`.trimEnd());
  return `${[...head, ...settingsKeys().flatMap(linesOf)].join('\n')}\n`;
}

function linesOf(key: SettingsKey): readonly string[] {
  const depth = key.path.length - 1;
  const isNamed = key.path.includes(ANY_NAME);
  const mark = isNamed ? '##' : '#';
  const indent = ' '.repeat(depth * INDENT);
  const words = key.needsRestart ? `${key.description} ${RESTART}` : key.description;
  const meaning = wrapped(words, LONGEST_LINE - indent.length).map((line) => (depth === 0 ? `## ${line}` : `${mark}${indent}# ${line}`));
  const name = `${mark}${indent}${key.path.at(-1)}:`;
  // The keys of each model, or of each runtime, below one name; twice commented, since a file
  // without them is what the defaults are.
  if (key.holdsNames) return ['', ...meaning, name, `##${' '.repeat(INDENT)}NAME:`];
  if (key.isSection) return depth === 0 ? ['', ...meaning, name] : [...meaning, name];
  return [...meaning, `${name} ${inFlow(isNamed ? (key.example ?? key.fallback) : key.fallback, false)}`];
}

function wrapped(words: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
