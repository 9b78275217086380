/** 24: a decision asked again: what is told to be different, and what is not. */
import { expect, test } from 'vitest';
import { differencesOf, isPlacing } from '../../renderer/pages/decisions/differences.ts';
import type { Candidate, Decision } from '../../shared/decision.ts';
import { GIB } from '../../shared/units.ts';

const candidate = (gpu: string, needs: number, free: number, victims: readonly string[] = []) =>
  ({
    plan: { runtime: 'llama', form: 'gguf', placement: { kind: 'gpu', gpus: [gpu], gpuLayers: null } },
    feasible: true,
    bytesNeeded: { [gpu]: needs * GIB },
    bytesThere: { [gpu]: free * GIB },
    victims,
  }) as unknown as Candidate;
const nameOf = (id: string) => `GPU ${id}`;
const placed = (...candidates: readonly Candidate[]) => ({ kind: 'place', candidate: candidates[0], candidates }) as unknown as Decision;
const loaded = { action: 'load', inputs: { chosen: 0 }, candidates: [candidate('1', 5, 8), candidate('0', 5, 6)] } as const;

test('the same again is no difference, and neither are a few bytes', () => {
  expect(differencesOf(loaded, placed(candidate('1', 5, 8.01)), nameOf)).toEqual([]);
});

test('another place because the first has filled up', () => {
  expect(differencesOf(loaded, placed(candidate('0', 5, 6), candidate('1', 5, 1, ['chat'])), nameOf)).toEqual([
    { what: 'Where', before: 'llama on GPU 1', after: 'llama on GPU 0' },
    { what: 'Free on GPU 1', before: '8.0 GiB', after: '1.0 GiB' },
  ]);
});

test('room only after another has left, and what was learned of its need', () => {
  expect(differencesOf(loaded, placed(candidate('1', 6, 3, ['chat', 'other'])), nameOf)).toEqual([
    { what: 'Must leave first', before: 'nobody', after: 'chat, other' },
    { what: 'Needs on GPU 1', before: '5.0 GiB', after: '6.0 GiB' },
    { what: 'Free on GPU 1', before: '8.0 GiB', after: '3.0 GiB' },
  ]);
});

test('what had to wait would be loaded now', () => {
  const waited = { action: 'wait', inputs: null, candidates: [candidate('1', 5, 1)] } as const;
  expect(differencesOf(waited, placed(candidate('1', 5, 8)), nameOf)).toEqual([
    { what: 'Result', before: 'wait', after: 'load' },
    { what: 'Where', before: 'nowhere', after: 'llama on GPU 1' },
    { what: 'Free on GPU 1', before: '1.0 GiB', after: '8.0 GiB' },
  ]);
  expect(differencesOf(waited, { kind: 'refuse', candidates: [] } as unknown as Decision, nameOf)).toEqual([
    { what: 'Result', before: 'wait', after: 'refuse' },
  ]);
});

test('only what places a model is asked again', () => {
  expect((['load', 'wait', 'refuse', 'evict', 'sleep', 'rest'] as const).filter((action) => isPlacing({ action }))).toEqual([
    'load',
    'wait',
    'refuse',
  ]);
});
