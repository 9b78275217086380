/**
 * The texts of public chat templates, and how a conversation is rendered in our tests. The texts
 * lie in llama.cpp's sources inside of node-llama-cpp, and some, written anew, in test/fixtures.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseExactly } from '../../main/core/jinja/exact-json.ts';
import type { Template } from '../../main/core/jinja/template.ts';

export const FIXTURES = fileURLToPath(new URL('../fixtures/chat-templates/', import.meta.url));

export interface Conversation {
  readonly messages: readonly unknown[];
  readonly tools?: readonly unknown[];
  readonly variables?: Readonly<Record<string, unknown>>;
}

function templatesIn(folder: string): readonly (readonly [string, string])[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jinja'));
  return names.sort().map((name) => [name.replace('.jinja', ''), readFileSync(join(folder, name), 'utf8')] as const);
}

/**
 * Where llama.cpp's sources were unpacked, once for each version of the package; null without git.
 */
function bundledFolder(): string | null {
  const library = fileURLToPath(new URL('../../node_modules/node-llama-cpp', import.meta.url));
  const { version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as { version: string };
  const cache = join(library, '..', '.cache', 'modelium');
  const folder = join(cache, `llama.cpp-templates-${version}`);
  try {
    readdirSync(folder);
    return folder;
  } catch {
    mkdirSync(cache, { recursive: true });
  }
  const work = mkdtempSync(join(cache, 'unpacking-'));
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
    git('init', '--quiet', '--bare', 'bundle');
    git('-C', 'bundle', 'fetch', '--quiet', join(library, 'llama', 'gitRelease.bundle'), 'HEAD');
    git('--git-dir=bundle', '--work-tree=.', 'checkout', '--quiet', 'FETCH_HEAD', '--', 'models/templates');
    renameSync(join(work, 'models', 'templates'), folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    // Another test put it there meanwhile.
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** By name. Null where git is missing, which unpacks llama.cpp's. */
export function publicTemplates(): ReadonlyMap<string, string> | null {
  const bundled = bundledFolder();
  return bundled === null ? null : new Map([...templatesIn(bundled), ...templatesIn(FIXTURES)]);
}

export function conversations(): readonly (readonly [string, Conversation])[] {
  return Object.entries(parseExactly(readFileSync(join(FIXTURES, 'conversations.json'), 'utf8')) as Record<string, Conversation>);
}

export const BOUNDS = {
  steps: 20_000_000,
  characters: 200_000_000,
  longestText: 20_000_000,
  milliseconds: 20_000,
  now: () => performance.now(),
};
/** The clock of the recordings. */
export const now = () => new Date(2026, 2, 5, 7, 8, 9);
export const TOKENS = { bos_token: '<s>', eos_token: '</s>' };

/** As transformers hands a conversation to a template. @throws TemplateError. */
export function renderConversation(template: Template, { messages, tools, variables }: Conversation): string {
  const given = { messages, tools: tools ?? null, documents: null, add_generation_prompt: true, ...TOKENS, ...variables };
  return template.render(given, { bounds: BOUNDS, now });
}

/** What is recorded of a rendering: enough to tell it from any other. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}
