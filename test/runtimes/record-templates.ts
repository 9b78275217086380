/**
 * Records what jinja2, compiled as transformers does it, makes of our corpus of chat templates and
 * expressions:
 *   node test/runtimes/record-templates.ts
 * Needs the Python of test/runtimes/setup. Writes test/fixtures/chat-templates/recorded.json and
 * expressions.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES, fingerprint, publicTemplates } from '../helpers/chat-templates.ts';
import { renderedByPython } from './python-templates.ts';

const templates = publicTemplates();
if (templates === null) throw new Error('git is missing: it unpacks the templates.');
const rendered = renderedByPython(Object.fromEntries(templates));
const recorded = Object.fromEntries(
  Object.entries(rendered).map(([name, made]) => [
    name,
    Object.fromEntries(Object.entries(made).map(([label, { text }]) => [label, text === undefined ? 'refused' : fingerprint(text)])),
  ]),
);
writeFileSync(join(FIXTURES, 'recorded.json'), `${JSON.stringify(recorded, null, 1)}\n`);

const file = join(FIXTURES, 'expressions.json');
const expressions = (JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly [string, string | null])[]).map(([template]) => template);
const values = renderedByPython.expressions(expressions);
writeFileSync(
  file,
  `[\n${expressions.map((template, at) => `  ${JSON.stringify([template, values[at]?.text ?? null])}`).join(',\n')}\n]\n`,
);
