/** Asks jinja2, as transformers compiles templates with it, for renderings. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { FIXTURES } from '../helpers/chat-templates.ts';
import { here } from './children.ts';

export interface Rendered {
  readonly text?: string;
  readonly error?: string;
}

function ask(args: readonly string[], input: unknown): unknown {
  const python = execFileSync(here('setup'), ['--where'], { encoding: 'utf8' }).trim();
  const made = execFileSync(python, [here('python/chat_templates.py'), ...args], {
    input: JSON.stringify(input),
    maxBuffer: 2 ** 30,
    timeout: 300_000,
  });
  return JSON.parse(made.toString());
}

/** By template and conversation. */
export function renderedByPython(templates: Readonly<Record<string, string>>): Record<string, Record<string, Rendered>> {
  return ask([join(FIXTURES, 'conversations.json')], templates) as Record<string, Record<string, Rendered>>;
}

renderedByPython.expressions = (templates: readonly string[]) => ask(['--expressions'], templates) as readonly Rendered[];
