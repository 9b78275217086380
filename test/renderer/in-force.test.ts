/**
 * The drawer's Settings: what a loaded model runs with, and what the settings would make of it now.
 */
import { expect, test } from 'vitest';
import { inForce, type Known } from '../../renderer/pages/models/in-force.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { profile } from '../core/brain-fixtures.ts';

const NOTHING = { name: 'tiny', context: null, parallel: null, gpus: null, runtime: null, memory_mb: null };
const PLANNED = { contextTokens: 8_192, parallelSequences: 4, runtime: 'llama' } as const;
const LOADED = {
  ...PLANNED,
  form: 'gguf',
  file: '',
  placement: { kind: 'gpu', gpus: ['GPU-a'], gpuLayers: null },
  args: [],
  env: {},
} as const;

function rows(change: Partial<Known>, model: Partial<Known['model']> = {}): Readonly<Record<string, readonly (string | null)[]>> {
  const known: Known = {
    model: { id: 'tiny', aliases: [], plan: null, runtime: null, devices: [], profile: profile(1, { contextLength: 32_768 }), ...model },
    own: NOTHING,
    settings: DEFAULT_SETTINGS,
    planned: PLANNED,
    deviceName: () => 'GPU 1',
    ...change,
  };
  return Object.fromEntries(inForce(known).map(({ name, value, next, from }) => [name, [value, next, from]]));
}
const loaded = { plan: LOADED, runtime: 'llama', devices: ['GPU-a'] } as const;

test('not loaded: what a load would take, and whose value it is', () => {
  const own = { ...NOTHING, context: 4_096, gpus: [1] };
  expect(rows({ own, planned: null })).toMatchObject({
    Context: ['4,096 tokens', null, "This model's settings"],
    'Requests side by side': ['-', null, 'Automatic'],
    GPUs: ['GPU 1', null, "This model's settings"],
  });
  expect(rows({ planned: { ...PLANNED, contextTokens: 32_768 } })['Context']).toEqual(['32,768 tokens', null, 'The model: its longest']);
});

test('loaded: what it runs with, and what the settings have become since', () => {
  expect(rows({}, loaded)).toMatchObject({
    Context: ['8,192 tokens', null, 'Automatic'],
    Runtime: ['llama', null, 'Automatic'],
    GPUs: ['GPU 1', null, 'Automatic'],
  });
  const own = { ...NOTHING, context: 4_096, parallel: 4, runtime: 'vllm', gpus: [0] } as const;
  expect(rows({ own }, loaded)).toMatchObject({
    Context: ['8,192 tokens', '4,096 tokens', 'Before the settings changed'],
    'Requests side by side': ['4', null, "This model's settings"],
    Runtime: ['llama', 'vllm', 'Before the settings changed'],
    GPUs: ['GPU 1', 'GPU 0', 'Before the settings changed'],
  });
  expect(rows({ own: { ...own, gpus: [1] } }, loaded)['GPUs']).toEqual(['GPU 1', null, "This model's settings"]);
  expect(rows({ own: { ...own, gpus: [] } }, { ...loaded, devices: ['cpu'] })['GPUs']?.[1]).toBeNull();
  // What nobody set depends on the room there is now.
  expect(rows({ planned: { ...PLANNED, contextTokens: 2_048 } }, loaded)['Context']).toEqual(['8,192 tokens', '2,048 tokens', 'Automatic']);
});
