/** `modelium logs`: prints the log of a model's runtime, or the engine's log. */
import { connect } from '../client.ts';
import { nameOf } from './model-name.ts';
import { LEVELS, type Level } from './option-values.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export interface LogsOptions {
  readonly follow: boolean;
  /** The last ones of those that are kept; null: all of them. */
  readonly lines: number | null;
  readonly level: Level | null;
}

export async function logs(
  { stateFolder, json }: Shared,
  word: string | null,
  { follow, lines: most, level }: LogsOptions,
): Promise<number> {
  const engine = await connect(stateFolder);
  const query = new URLSearchParams(word === null ? {} : { model: await nameOf(engine, word) });
  const isGrave = (line: string): boolean => level === null || LEVELS.indexOf(levelOf(line)) >= LEVELS.indexOf(level);
  // What is kept comes whole; following begins with it too, so it is cut here either way.
  const { lines } = await engine.get<'logs'>(`/control/logs?${query}`);
  const last = lines.filter(isGrave).slice(most === null ? 0 : -most);
  if (!follow) {
    if (json) printJson(last);
    else for (const line of last) print(line);
    return 0;
  }
  query.set('follow', 'true');
  // The stream begins with what is kept.
  let toSkip = lines.length - (most === null ? lines.length : Math.min(most, lines.length));
  // With --json a line of JSON for each line, so that a reader need not wait for an end that does
  // not come.
  await engine.follow(`/control/logs?${query}`, (data) => {
    const { line } = data as { readonly line?: string };
    if (line === undefined) return true;
    if (toSkip > 0) toSkip -= 1;
    else if (isGrave(line)) print(json ? JSON.stringify({ line }) : line);
    return true;
  });
  return 0;
}

/**
 * The engine's own lines begin with their time, and with a word where they are no story. A
 * runtime's lines have levels of their own, or none.
 */
function levelOf(line: string): Level {
  const [, word = 'info'] = /^\S+ (Debug|Warning|Error): /.exec(line) ?? [];
  return LEVELS.find((level) => level === word.toLowerCase()) ?? 'info';
}
