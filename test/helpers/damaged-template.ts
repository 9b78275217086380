/** Chat templates of real models, damaged by a seed. */
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../fixtures/chat-templates/', import.meta.url);
const SOURCES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.jinja'))
  .sort()
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));

/** @param next numbers from 0 to 1. @returns a template of which a part stands at a wrong place. */
export function damagedTemplate(next: () => number): string {
  const source = SOURCES[Math.floor(next() * SOURCES.length)]!;
  const [from, to, into] = [next(), next(), next()].map((part) => Math.floor(part * source.length)) as [number, number, number];
  return source.slice(0, into) + source.slice(Math.min(from, to), Math.max(from, to)) + source.slice(into);
}
