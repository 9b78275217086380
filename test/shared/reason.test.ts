import { describe, expect, test } from 'vitest';
import { reasonSchema } from '../../shared/api-reason.ts';
import type { Cause, DeviceRef, Fact, NotOnGpu, PlaceRef } from '../../shared/reason.ts';
import { HEADLINE_CHARACTERS, headlineFrom } from '../../shared/reason-names.ts';
import { factInWords, headlineOf, sentenceOf } from '../../shared/reason-words.ts';
import { GIB } from '../../shared/units.ts';

const CPU: DeviceRef = { id: 'cpu', index: null };
const gpus = (...indexes: readonly number[]): readonly DeviceRef[] => indexes.map((index) => ({ id: `GPU-${index}`, index }));
const onCpu: PlaceRef = { kind: 'cpu', devices: [CPU], gpuLayers: null, layers: null };
const on = (...indexes: readonly number[]): PlaceRef => ({ kind: 'gpu', devices: gpus(...indexes), gpuLayers: null, layers: null });
const fits = (place: PlaceRef, notOnGpu: NotOnGpu | null = null): Cause => ({ kind: 'fits', place, notOnGpu, isTooLargeForOne: false });
const refused = (is: 'full' | 'too-large' | 'unusable', ...indexes: readonly number[]): NotOnGpu => ({
  is,
  gpus: gpus(...indexes),
  runtime: 'llama',
});
const noRoom = (place: PlaceRef | null, isWaking = false): Cause => ({ kind: 'no-room', place, holders: [], isWaking });

const LONG = 'nvidia-llama-3.3-nemotron-super-49b-v1.5-instruct-Q4_K_M-00001-of-00002';

/**
 * What a person reads in a row: the wording is what is tested here, and the one place where it
 * stands.
 */
const HEADLINES: readonly (readonly [Cause, string])[] = [
  [fits(on(0)), 'On GPU 0: it fits'],
  [fits(onCpu, { is: 'absent' }), 'On the CPU: there is no GPU here'],
  [fits(onCpu, { is: 'not-allowed' }), 'On the CPU: the settings allow it no GPU'],
  [fits(onCpu, refused('full', 0, 1)), 'On the CPU: both GPUs are full'],
  [fits(onCpu, refused('full', 0)), 'On the CPU: GPU 0 is full'],
  [fits(onCpu, refused('full', 0, 1, 2, 3, 4, 5, 6, 7)), 'On the CPU: all 8 GPUs are full'],
  [fits(onCpu, refused('too-large', 0)), 'On the CPU: it is too large for GPU 0'],
  [fits(onCpu, refused('unusable', 0)), 'On the CPU: llama cannot use GPU 0'],
  [{ kind: 'fits', place: on(0, 1, 2, 3), notOnGpu: null, isTooLargeForOne: true }, 'On GPUs 0-3: too large for one of them'],
  [fits({ kind: 'split', devices: gpus(1), gpuLayers: 8, layers: 32 }), 'On GPU 1 and the CPU: 8 of 32 layers fit on the GPU'],
  [fits({ kind: 'elsewhere', devices: [], gpuLayers: null, layers: null, where: 'lab' }), 'At lab: takes no memory here'],
  [{ kind: 'evicts', place: on(0), victims: ['a'] }, 'On GPU 0: after a has left'],
  [{ kind: 'evicts', place: on(0, 2), victims: ['a', 'b', 'c', 'd'] }, 'On GPUs 0 and 2: after a, b and 2 more have left'],
  [{ kind: 'wakes', place: on(0) }, 'On GPU 0: woken where it sleeps'],
  [{ kind: 'attaches', base: 'qwen' }, 'With its base qwen: served as one of its adapters'],
  [{ kind: 'converts', place: on(0), type: 'BF16' }, 'Converted to a GGUF (BF16) first, then on GPU 0'],
  [{ kind: 'waits', place: on(0), until: 'loaded', models: ['a'] }, 'Waiting for GPU 0: a is being loaded there'],
  [{ kind: 'waits', place: on(0), until: 'left', models: ['a', 'b'] }, 'Waiting for GPU 0: a and b are leaving'],
  [{ kind: 'waits', place: on(0), until: 'room', models: ['a'] }, 'Waiting for GPU 0: a holds it'],
  [{ kind: 'waits', place: onCpu, until: 'room', models: [] }, 'Waiting for the CPU: other programs hold it'],
  [{ kind: 'waits', place: on(0), until: 'asked', models: ['a'] }, 'Waiting for GPU 0: a holds it, and nobody has asked for this one'],
  [{ kind: 'waits-for-base', base: 'qwen', isRestarted: false }, 'Waiting for its base qwen: it is loaded first'],
  [{ kind: 'waits-for-base', base: 'qwen', isRestarted: true }, 'Waiting for its base qwen: it is started again first'],
  [{ kind: 'waits-for-turn', turn: 'conversion' }, 'Waiting: another model is being converted'],
  [{ kind: 'rests', place: on(0), base: null }, 'Not loaded now: no free room on GPU 0'],
  [{ kind: 'rests', place: null, base: 'qwen' }, 'Not loaded now: no free room for its base qwen'],
  [noRoom(on(0)), 'No room on GPU 0'],
  [noRoom(on(0), true), 'Cannot wake on GPU 0'],
  [{ ...noRoom(on(0)), holders: [{ by: 'program', name: 'blender', pid: 41 }] } as Cause, 'No room on GPU 0: blender (pid 41) holds it'],
  [{ ...noRoom(on(0)), holders: [{ by: 'program', name: null, pid: null }] } as Cause, 'No room on GPU 0: other programs hold it'],
  [{ ...noRoom(on(0)), holders: [{ by: 'pinned', model: 'p' }] } as Cause, 'No room on GPU 0: p (pinned) holds it'],
  [{ ...noRoom(on(0)), holders: [{ by: 'ended' }] } as Cause, 'No room on GPU 0: models that have ended still hold it'],
  [
    { kind: 'too-large', device: { id: 'GPU-0', index: 0 }, bytes: 40 * GIB, emptyBytes: 23.4 * GIB },
    'Too large for this machine: needs 40.0 GiB, GPU 0 has 23.4 GiB',
  ],
  [{ kind: 'not-taken', form: 'transformers' }, 'No runtime here takes a Hugging Face folder'],
  [{ kind: 'not-taken', form: null }, 'No runtime here takes it'],
  [{ kind: 'not-ready', runtimes: ['vllm'] }, 'vllm would serve it, but is not ready here'],
  [{ kind: 'not-ready', runtimes: ['vllm', 'ray'] }, 'vllm and ray would serve it, but are not ready here'],
  [{ kind: 'no-device' }, 'No runtime can run it on a device of this machine'],
  [{ kind: 'no-such-gpu' }, 'Its settings name no GPU that is here'],
  [{ kind: 'needs-trust' }, 'Not trusted yet: it contains code that would run here'],
  [{ kind: 'base-not-served', base: 'qwen' }, 'Its base qwen cannot be served'],
  [{ kind: 'said', sentence: 'notes.txt is a text, not a model. Drop a GGUF.' }, 'notes.txt is a text, not a model'],
  [
    { kind: 'failed', code: 'out-of-memory', place: on(3), sentence: 'llama.cpp ran out of memory (cudaMalloc failed).' },
    'Out of memory on GPU 3',
  ],
  [{ kind: 'failed', code: 'out-of-memory', place: null, sentence: '' }, 'Out of memory'],
  [{ kind: 'failed', code: 'load-stalled', place: on(0), sentence: '' }, 'No progress while loading on GPU 0'],
  [{ kind: 'failed', code: 'load-too-long', place: onCpu, sentence: '' }, 'Loading on the CPU took too long'],
  [{ kind: 'failed', code: 'room-did-not-come', place: on(0), sentence: '' }, 'GPU 0 did not become free in time'],
  [
    { kind: 'failed', code: 'runtime-exited', place: on(0), sentence: 'The library libx.so is missing. Install it.' },
    'The library libx.so is missing',
  ],
  [{ kind: 'idle', idleMs: 300_000, queriesPerSecond: 0 }, 'Unloaded: idle for 5 min'],
  [{ kind: 'sleeps', idleMs: 60_000 }, 'Put to sleep: idle for 60 s, its weights wait in main memory'],
  [{ kind: 'made-room', for: 'b' }, 'Unloaded: b needs the memory'],
  [{ kind: 'by-hand' }, 'Unloaded by hand'],
];

describe('headlines', () => {
  test.each(HEADLINES)('%j', (cause, headline) => {
    expect(headlineOf({ cause, facts: [] })).toBe(headline);
    expect(headline.length).toBeLessThanOrEqual(HEADLINE_CHARACTERS);
    // What the API sends is what the window reads.
    expect(reasonSchema.parse({ cause, facts: [] })).toEqual({ cause, facts: [] });
  });

  test('never longer than a row has room for, and names are cut in their middle', () => {
    const long: readonly Cause[] = [
      { kind: 'evicts', place: on(0, 2, 4, 6), victims: [LONG, `${LONG}-b`, `${LONG}-c`] },
      { kind: 'waits', place: on(0), until: 'asked', models: [LONG] },
      { kind: 'waits-for-base', base: LONG, isRestarted: true },
      { kind: 'said', sentence: `It cannot be read: ${'word '.repeat(60)}` },
      { kind: 'said', sentence: 'x'.repeat(500) },
      { kind: 'failed', code: 'runtime-exited', place: null, sentence: 'y'.repeat(500) },
    ];
    for (const cause of long) expect(headlineOf({ cause, facts: [] }).length).toBeLessThanOrEqual(HEADLINE_CHARACTERS);
    expect(headlineOf({ cause: { kind: 'evicts', place: on(0), victims: [LONG] }, facts: [] })).toMatch(
      /^On GPU 0: after nvidia-llam.*of-00002 has left$/,
    );
  });

  test('the first sentence is told from a full stop in a name or a figure', () => {
    expect(headlineFrom('models.x.gpus names no GPU that is here.')).toBe('models.x.gpus names no GPU that is here');
    expect(headlineFrom('llama.cpp v1.2 ended with code 7. Its last output: gone.')).toBe('llama.cpp v1.2 ended with code 7');
    expect(headlineFrom('')).toBe('');
  });
});

const FACTS: readonly (readonly [Fact, string])[] = [
  [{ fact: 'needs', device: CPU, bytes: 2.9 * GIB, freeBytes: 16.2 * GIB }, 'CPU: needs 2.9 GiB, 16.2 GiB free'],
  [{ fact: 'needs', device: { id: 'GPU-0', index: 0 }, bytes: 136 * 1024 ** 2, freeBytes: 0 }, 'GPU 0: needs 136 MiB, 0 MiB free'],
  [
    { fact: 'capacity', device: CPU, bytes: 90 * GIB, emptyBytes: 64 * GIB },
    'CPU: needs 90.0 GiB, has 64.0 GiB for models when it is empty',
  ],
  [
    { fact: 'holds', device: { id: 'GPU-0', index: 0 }, holder: { by: 'program', name: 'blender', pid: 9 }, bytes: 3.8 * GIB },
    'GPU 0: blender (pid 9) holds 3.8 GiB',
  ],
  [{ fact: 'leaves', model: 'a', use: { is: 'idle', idleMs: 40_000 }, isCut: false }, 'a leaves first (idle 40 s)'],
  [{ fact: 'leaves', model: 'a', use: { is: 'busy', inFlight: 2 }, isCut: true }, 'a leaves first (2 in flight, after a long enough wait)'],
  [{ fact: 'in-the-way', model: 'a', use: { is: 'new' } }, 'a is in the way (loaded just now)'],
  [{ fact: 'weights', type: 'Q8_0', insteadOf: 'BF16' }, 'weights as Q8_0: there is no room for BF16'],
  [{ fact: 'quantization', type: 'Q4_K_M', of: ['Q4_K_M', 'Q8_0'] }, 'Q4_K_M, of Q4_K_M, Q8_0'],
  [{ fact: 'obstacle', text: 'libcudart is missing.' }, 'libcudart is missing'],
  [
    { fact: 'corrected', side: 'gpu', factor: 0.9, from: 'model', isClamped: true },
    'estimate of GPU memory x 0.90 (this model took that with another plan; the largest correction that is allowed)',
  ],
];

test.each(FACTS)('a fact as a phrase: %j', (fact, phrase) => {
  expect(factInWords(fact)).toBe(phrase);
  expect(reasonSchema.parse({ cause: { kind: 'by-hand' }, facts: [fact] }).facts).toEqual([fact]);
});

test('one sentence for the log: the headline, then the figures, without how they came about', () => {
  const because = { cause: fits(onCpu, refused('full', 0)), facts: FACTS.map(([fact]) => fact) };
  expect(sentenceOf(because)).toMatch(/^On the CPU: GPU 0 is full; needs 2\.9 GiB, 16\.2 GiB free; GPU 0: needs 136 MiB, 0 MiB free; /);
  expect(sentenceOf(because)).not.toContain('estimate');
  expect(sentenceOf({ cause: { kind: 'needs-trust' }, facts: [{ fact: 'said', text: 'It brings code: a.py.' }] })).toBe(
    'It brings code: a.py.',
  );
});
