/**
 * A folder with several quantisations of one model: the best that fits is served, all are weighed,
 * and a person may choose.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { analyzeCandidate } from '../main/core/analyzer/candidate.ts';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import type { Decision } from '../shared/decision.ts';
import { folderOf } from './core/analyzer/folder-of.ts';
import { makeHome, startServe } from './helpers/serve.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const BOUNDS = { host: { memory_limit_mb: 240, reserve_mb: 0 }, orchestration: { model_discovery: { scan_interval_seconds: 1 } } };
const home = makeHome(BOUNDS);
afterAll(() => home.remove());

const small = tinyModel({ seed: 2 })[0]!.bytes;
const large = tinyModel({ minimumBytes: 2e6 })[0]!.bytes;
const formsOf = (names: Readonly<Record<string, Uint8Array>>) => {
  const { profile } = analyzeCandidate(folderOf(names), false);
  return {
    forms: profile?.forms.map(({ files, detail }) => [files[0], detail]),
    notes: profile?.notes.filter((note) => note.startsWith('Also')),
  };
};

test.each([
  [
    'files',
    { 'M-BF16.gguf': large, 'M-Q4_K_M.gguf': small },
    [
      ['M-BF16.gguf', 'BF16'],
      ['M-Q4_K_M.gguf', 'Q4_K_M'],
    ],
  ],
  [
    'folders',
    { 'Q4_K_M/M.gguf': small, 'UD-Q8_K_XL/M.gguf': large },
    [
      ['UD-Q8_K_XL/M.gguf', 'UD-Q8_K_XL'],
      ['Q4_K_M/M.gguf', 'Q4_K_M'],
    ],
  ],
  [
    'folders and names',
    { 'BF16/M-BF16.gguf': large, 'M-IQ2_XXS.gguf': small },
    [
      ['BF16/M-BF16.gguf', 'BF16'],
      ['M-IQ2_XXS.gguf', 'IQ2_XXS'],
    ],
  ],
  [
    'of one imatrix',
    { 'M.i1-Q4_K_S.gguf': small, 'M.Q8_0.gguf': large },
    [
      ['M.Q8_0.gguf', 'Q8_0'],
      ['M.i1-Q4_K_S.gguf', 'Q4_K_S'],
    ],
  ],
])('quantisations in %s are forms of one model, the largest first', (_what, names, forms) => {
  expect(formsOf(names)).toEqual({ forms, notes: [] });
});

test('another model beside it is none of them, whatever its architecture', () => {
  expect(formsOf({ 'hermes-Q4_0.gguf': small, 'llama-Q8_0.gguf': large })).toEqual({
    forms: [['hermes-Q4_0.gguf', undefined]],
    notes: ['Also in the folder, and not served by itself: llama-Q8_0.gguf (another model).'],
  });
});

test('the best that fits is loaded; models.NAME.quantization: another one, by hand', { timeout: 90_000 }, async () => {
  const folder = join(home.watch, 'quants');
  await writeTinyGguf(folder, { name: 'Model-BF16', minimumBytes: 150e6 });
  await writeTinyGguf(folder, { name: 'Model-Q4_K_M', seed: 2 });
  await writeTinyGguf(folder, { name: 'Model-Q2_K', seed: 4 });
  const served = await startServe(home);
  const ready = await served.becomes('quants', 'ready');
  expect(ready.plan?.file).not.toBe('Model-BF16.gguf');
  expect((await served.predict('quants')).status).toBe(200);
  const label = ready.plan?.file.replace(/^Model-|\.gguf$/g, '') ?? '';
  expect((await served.predict(`quants:${label}`)).status).toBe(200);
  const refused = await served.predict('quants:BF16');
  expect(refused.status).toBe(404);
  expect(await refused.text()).toContain(`Did you mean quants:${label}, quants?`);
  const { decision } = await served.control<{ decision: Decision }>('POST', '/control/plan', { target: 'quants' });
  const weighed = decision.candidates.filter(({ plan }) => plan.runtime === 'llama');
  expect(new Set(weighed.map(({ plan }) => plan.file))).toEqual(new Set(['Model-BF16.gguf', 'Model-Q4_K_M.gguf', 'Model-Q2_K.gguf']));
  expect(weighed.find(({ plan }) => plan.file === 'Model-BF16.gguf')).toMatchObject({
    feasible: false,
    facts: expect.arrayContaining([{ fact: 'quantization', type: 'BF16', of: ['BF16', 'Q2_K', 'Q4_K_M'] }]),
  });

  const choose = (quantization: string): void =>
    writeFileSync(
      home.config,
      JSON.stringify({ ...BOUNDS, metrics: { enabled: false }, gpus: { use: 'none' }, models: { quants: { quantization } } }),
    );
  // The one that is not loaded, in another case.
  const other = ready.plan?.file === 'Model-Q2_K.gguf' ? 'Q4_K_M' : 'Q2_K';
  choose(other.toLowerCase());
  await served.says(/Settings read again/);
  // Nobody waits for it: the next request loads the one that was chosen.
  await served.becomes('quants', 'unloaded');
  expect((await served.predict('quants')).status).toBe(200);
  expect((await served.becomes('quants', 'ready')).plan?.file).toBe(`Model-${other}.gguf`);
  choose('Q9');
  const blocked = await served.becomes('quants', 'blocked');
  expect(blocked.message).toContain('models.quants.quantization says Q9, and this is');
  await served.end('SIGTERM');
});
