/**
 * Our engine of chat templates against the jinja2 that transformers has today: the recorded
 * renderings still are its own, and so are the templates inside of vLLM's package.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Template } from '../../main/core/jinja/template.ts';
import { conversations, FIXTURES, fingerprint, publicTemplates, renderConversation } from '../helpers/chat-templates.ts';
import { here } from './children.ts';
import { renderedByPython } from './python-templates.ts';

function outcome(text: string, label: string): string {
  const conversation = new Map(conversations()).get(label);
  try {
    return conversation === undefined ? 'unknown' : renderConversation(new Template(text), conversation);
  } catch {
    return 'refused';
  }
}

function differences(templates: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(renderedByPython(templates)).flatMap(([name, made]) =>
    Object.entries(made).flatMap(([label, { text }]) => {
      const ours = outcome(templates[name] ?? '', label);
      return ours === (text ?? 'refused') ? [] : [`${name} / ${label}`];
    }),
  );
}

test('what is recorded is what jinja2 makes, and so is ours', () => {
  const templates = Object.fromEntries(publicTemplates() ?? []);
  const recorded = JSON.parse(readFileSync(join(FIXTURES, 'recorded.json'), 'utf8')) as Record<string, Record<string, string>>;
  const made = renderedByPython(templates);
  for (const [name, byLabel] of Object.entries(made))
    for (const [label, { text }] of Object.entries(byLabel))
      expect([name, label, text === undefined ? 'refused' : fingerprint(text)]).toEqual([name, label, recorded[name]?.[label]]);
  expect(differences(templates)).toEqual([]);
});

test('the templates of vLLM’s package', () => {
  const python = execFileSync(here('setup'), ['--where'], { encoding: 'utf8' }).trim();
  const folder = execFileSync(python, ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'], { encoding: 'utf8' }).trim();
  const inside = join(folder, 'vllm', 'transformers_utils', 'chat_templates');
  const names = readdirSync(inside).filter((name) => name.endsWith('.jinja'));
  expect(names.length).toBeGreaterThanOrEqual(5);
  expect(differences(Object.fromEntries(names.map((name) => [name, readFileSync(join(inside, name), 'utf8')])))).toEqual([]);
});
