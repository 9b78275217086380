import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BrainInput, decide } from '../../main/core/decide/brain.ts';
import type { Room } from '../../main/core/memory/devices.ts';
import type { Resident } from '../../main/core/memory/evictor.ts';
import type { Decision } from '../../shared/decision.ts';
import { factInWords } from '../../shared/reason-words.ts';
import { GIB } from '../../shared/units.ts';
import { form, gpu, host, NOW_MS, planner, profile, question, resident, runtime } from './brain-fixtures.ts';

/**
 * A decision in one line: `place gpu GPU-0 -a`, `split GPU-0 x3`, `wait GPU-0 for a`,
 * `refuse no-room`.
 */
function reported(decision: Decision): string {
  if (decision.kind === 'refuse') return `refuse ${decision.refusal}`;
  if (decision.kind === 'wait')
    return `wait ${decision.devices.join('+')} for ${decision.waitsFor.join('+')}${decision.lacksRoom ? '' : ' (slot)'}`;
  const { plan, victims } = decision.candidate;
  const { kind, gpus, gpuLayers } = plan.placement;
  return ['place', kind, gpus.join('+'), gpuLayers === null ? '' : `x${gpuLayers}`, ...victims.map((id) => `-${id}`)]
    .filter(Boolean)
    .join(' ');
}

const full = (index: number, freeGib: number, change: Partial<Room> = {}) => gpu(index, 24, { availableBytes: freeGib * GIB, ...change });
const BLENDER = { othersBytes: 24 * GIB, programs: [{ pid: 41, name: 'blender', bytes: 24 * GIB }] };
const groups = runtime({}, planner({ groups: true, splits: false }));

const away = runtime({}, planner({ elsewhere: () => 'lab (http://10.0.0.5:8000)', estimate: () => ({ bytes: {}, parts: {}, notes: [] }) }));

const CASES: readonly (readonly [string, Partial<BrainInput>, string, RegExp])[] = [
  ['an empty GPU', {}, 'place gpu GPU-0', /^On GPU 0: it fits; needs 8\.0 GiB, 24\.0 GiB free$/],
  [
    'elsewhere: always fits, names the place, and nobody leaves for it',
    { runtimes: [away], devices: [full(0, 0, { loading: 'x' }), host(0)], residents: [resident('a', { 'GPU-0': 20 })] },
    'place elsewhere',
    /^At lab \(http:\/\/10\.0\.0\.5:8000\): takes no memory here$/,
  ],
  [
    'this box comes before elsewhere',
    { runtimes: [away, runtime({}, planner({}))], devices: [full(0, 24), host(64)] },
    'place gpu GPU-0',
    /GPU 0/,
  ],
  ['elsewhere what this box cannot have', { runtimes: [away, runtime({}, planner({}))], devices: [host(1)] }, 'place elsewhere', /^At lab/],
  ['elsewhere on a box without any device', { runtimes: [away], devices: [] }, 'place elsewhere', /^At lab/],
  ['no GPU', { devices: [host(16)] }, 'place cpu', /^On the CPU: there is no GPU here; needs 8\.0 GiB, 16\.0 GiB free$/],
  [
    'a runtime without GPU says why',
    { runtimes: [runtime({ found: { found: true, version: null, message: '', gpu: { usable: false, why: 'libcudart is missing' } } })] },
    'place cpu',
    /^On the CPU: llama cannot use GPU 0; needs .*; libcudart is missing$/,
  ],
  ['two equal GPUs: the first', { devices: [gpu(0, 24), gpu(1, 24), host(64)] }, 'place gpu GPU-0', /GPU 0/],
  ['keeps the largest hole', { devices: [full(0, 16), full(1, 24), host(64)] }, 'place gpu GPU-0', /GPU 0/],
  ['then the emptiest', { devices: [full(0, 10), full(1, 24), full(2, 24), host(64)] }, 'place gpu GPU-1', /GPU 1/],
  [
    'free room before a victim',
    { devices: [full(0, 0), full(1, 9), host(64)], residents: [resident('a', { 'GPU-0': 20 })] },
    'place gpu GPU-1',
    /fits/,
  ],
  [
    'an idle victim before the CPU',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 20 })] },
    'place gpu GPU-0 -a',
    /^On GPU 0: after a has left; needs 8\.0 GiB, 4\.0 GiB free; a leaves first \(idle 2 min\)$/,
  ],
  [
    'the cheaper victim',
    {
      devices: [full(0, 0), full(1, 0), host(64)],
      residents: [resident('slow', { 'GPU-0': 20 }, { loadSeconds: 60 }), resident('quick', { 'GPU-1': 20 })],
    },
    'place gpu GPU-1 -quick',
    /quick/,
  ],
  [
    'no victim for new content',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 20 })], mayEvict: false },
    'wait GPU-0 for a',
    /^Waiting for GPU 0: a .*nobody has asked/,
  ],
  [
    'waits for a busy model',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 20 }, { inFlight: 2 })] },
    'wait GPU-0 for a',
    /^Waiting for GPU 0: a holds it; .*a is in the way \(2 in flight\)$/,
  ],
  [
    'takes a busy one after fairness',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 20 }, { inFlight: 2 })], waitedMs: 60_000 },
    'place gpu GPU-0 -a',
    /after a long enough wait/,
  ],
  [
    'waits for a young model',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 20 }, { sinceMs: NOW_MS - 9_999 })] },
    'wait GPU-0 for a',
    /loaded just now/,
  ],
  [
    'waits for one that leaves, not for another victim',
    { devices: [full(0, 4), host(64)], residents: [resident('a', { 'GPU-0': 10 }, { state: 'draining' }), resident('b', { 'GPU-0': 10 })] },
    'wait GPU-0 for a',
    /^Waiting for GPU 0: a is leaving/,
  ],
  [
    'one load per device',
    { devices: [full(0, 20, { loading: 'other' }), host(64)] },
    'wait GPU-0 for other (slot)',
    /^Waiting for GPU 0: other is being loaded there/,
  ],
  ['the other GPU while one loads', { devices: [full(0, 20, { loading: 'other' }), full(1, 12), host(64)] }, 'place gpu GPU-1', /fits/],
  [
    'pinned: the CPU instead',
    {
      devices: [full(0, 1), host(64)],
      runtimes: [runtime({}, planner({ splits: false }))],
      residents: [resident('p', { 'GPU-0': 23 }, { pinned: true })],
    },
    'place cpu',
    /^On the CPU: GPU 0 is full; needs 8\.0 GiB, 64\.0 GiB free; GPU 0: needs 8\.0 GiB, 1\.0 GiB free; GPU 0: p \(pinned\) holds 23\.0 GiB$/,
  ],
  ['part of the layers', { profile: profile(30) }, 'place split GPU-0 x8', /^On GPU 0 and the CPU: 8 of 10 layers fit on the GPU/],
  [
    'part of the layers beside others',
    { profile: profile(30), devices: [full(0, 13), host(64)], residents: [resident('a', { 'GPU-0': 11 })] },
    'place split GPU-0 x4',
    /^On GPU 0 and the CPU: 4 of 10 layers/,
  ],
  [
    'victims for a worthwhile part',
    { profile: profile(30), devices: [full(0, 6), host(64)], residents: [resident('a', { 'GPU-0': 18 })] },
    'place split GPU-0 x8 -a',
    /after a has left/,
  ],
  [
    'two GPUs together',
    { profile: profile(40), runtimes: [groups], devices: [gpu(0, 24), gpu(1, 24), host(64)] },
    'place gpu GPU-0+GPU-1',
    /^On GPUs 0 and 1: too large for one of them/,
  ],
  [
    'heads that do not divide',
    { profile: profile(40, { heads: 7 }), runtimes: [groups], devices: [gpu(0, 24), gpu(1, 24), host(64)] },
    'place cpu',
    /CPU/,
  ],
  ['a GPU by settings', { settings: { gpus: [1] }, devices: [gpu(0, 24), gpu(1, 24), host(64)] }, 'place gpu GPU-1', /GPU 1/],
  ['no GPU by settings', { settings: { gpus: [] } }, 'place cpu', /CPU/],
  ['a GPU that is not there', { settings: { gpus: [7] } }, 'refuse no-runtime', /models\.new\.gpus/],
  [
    'GPUs named: never the CPU',
    { profile: profile(60), settings: { gpus: [0] }, runtimes: [runtime({}, planner({ splits: false }))] },
    'refuse too-large',
    /^Too large for this machine: needs 60\.0 GiB, GPU 0 has 24\.0 GiB\.$/,
  ],
  ['a GPU left to others', { devices: [gpu(0, 24, { allowed: false }), host(64)] }, 'place cpu', /CPU/],
  [
    'too large',
    { profile: profile(100), box: 'empty' },
    'refuse too-large',
    /^Too large for this machine: needs 81\.8 GiB, CPU has 64\.0 GiB; GPU 0: needs 18\.2 GiB, 24\.0 GiB free\.$/,
  ],
  [
    'no room: other programs',
    { profile: profile(8), devices: [host(16, { availableBytes: 2 * GIB, othersBytes: 14 * GIB })] },
    'refuse no-room',
    /^No room on the CPU: other programs hold it; needs 8\.0 GiB, 2\.0 GiB free; CPU: other programs hold 14\.0 GiB\.$/,
  ],
  [
    'both GPUs full of others, each named',
    {
      devices: [full(0, 0, BLENDER), full(1, 0, BLENDER), host(64)],
      runtimes: [runtime({}, planner({ splits: false }))],
    },
    'place cpu',
    /^On the CPU: both GPUs are full; needs 8\.0 GiB, 64\.0 GiB free; GPU 0: needs 8\.0 GiB, 0 MiB free; GPU 0: blender \(pid 41\) holds 24\.0 GiB; GPU 1/,
  ],
  [
    'no room: pinned',
    { devices: [host(16, { availableBytes: 2 * GIB })], residents: [resident('p', { cpu: 14 }, { pinned: true })] },
    'refuse no-room',
    /^No room on the CPU: p \(pinned\) holds it; .*CPU: p \(pinned\) holds 14\.0 GiB\.$/,
  ],
  [
    'the empty box knows nobody',
    { devices: [host(16, { availableBytes: 0 })], residents: [resident('p', { cpu: 14 }, { pinned: true })], box: 'empty' },
    'place cpu',
    /there is no GPU/,
  ],
  [
    'a Hugging Face folder',
    { profile: profile(8, { architecture: 'Qwen2ForCausalLM', forms: [form('transformers')] }) },
    'refuse no-runtime',
    /Hugging Face folder \(Qwen2ForCausalLM, chat\)/,
  ],
  [
    'an architecture without a runtime',
    { runtimes: [runtime({}, planner({ supports: () => ({ supported: false, why: 'llama.cpp does not know flux' }) }))] },
    'refuse no-runtime',
    /does not know flux/,
  ],
  ['a runtime that is off', { runtimes: [runtime({ enabled: false })] }, 'refuse no-runtime', /llama is switched off/],
  [
    'a runtime that is not here',
    {
      runtimes: [runtime({ found: { found: false, version: null, message: 'vllm is not on the PATH', gpu: { usable: false, why: '' } } })],
    },
    'refuse no-runtime',
    /not on the PATH/,
  ],
  ['nothing known', { profile: profile(1, { forms: [form('unknown')] }) }, 'refuse not-servable', /Nothing in it/],
  ['code that nobody trusted', { profile: profile(8, { forms: [form('gguf', ['custom.py'])] }) }, 'refuse needs-trust', /custom\.py/],
  [
    'code of a folder that is converted',
    {
      profile: profile(8, { forms: [form('transformers', ['config.json'])] }),
      runtimes: [
        runtime({}, planner({ supports: () => ({ supported: true, why: 'made a GGUF' }), preparations: () => [{ type: 'BF16' }] })),
        runtime({}, planner({ id: 'vllm', supports: () => ({ supported: true, why: 'as it is' }) })),
      ],
    },
    'place gpu GPU-0',
    /llama.*fits|fits/,
  ],
  [
    'trusted code',
    { profile: profile(8, { forms: [form('gguf', ['custom.py'])] }), trusted: ({ codeFiles }) => codeFiles.includes('custom.py') },
    'place gpu GPU-0',
    /fits/,
  ],
];

describe('decide', () => {
  it.each(CASES)('%s', (_name, change, outcome, reason) => {
    const decision = decide(question(change));
    expect(reported(decision)).toBe(outcome);
    expect(decision.reason).toMatch(reason);
  });

  it('prefers the runtime that suits the form, and names the form without code before one that needs trust', () => {
    const vllm = runtime({}, planner({ id: 'vllm', splits: false, supports: () => ({ supported: true, why: 'yes' }) }));
    const both = profile(8, { forms: [form('gguf'), form('transformers', ['modeling.py'])] });
    const decision = decide(question({ profile: both, runtimes: [vllm, runtime()] }));
    expect(decision.kind === 'place' && decision.candidate.plan).toMatchObject({ runtime: 'llama', form: 'gguf' });
    expect(decision.candidates.filter((each) => each.needsTrust).every((each) => !each.feasible)).toBe(true);
    const trusted = decide(question({ profile: { ...both, forms: [form('transformers')] }, runtimes: [runtime(), vllm] }));
    expect(trusted.kind === 'place' && trusted.candidate.plan).toMatchObject({ runtime: 'vllm', form: 'transformers' });
  });

  it('keeps the weights as faithful as they can be before it takes fewer GPUs, and then takes as few as it can', () => {
    const made = (weights: number) => {
      const converting = planner({
        groups: true,
        splits: false,
        supports: () => ({ supported: true, why: 'made a GGUF' }),
        preparations: () => [{ type: 'BF16' }, { type: 'Q8_0' }],
        plan: (_model, { kind, files }, placement, _settings, preparation) => ({
          runtime: 'llama',
          form: kind,
          file: files[0] ?? '',
          placement,
          contextTokens: 1,
          parallelSequences: 1,
          args: [],
          env: {},
          ...(preparation === undefined ? {} : { preparation }),
        }),
        estimate: ({ weightBytes }, { placement, preparation }) => {
          const bytes = preparation?.type === 'Q8_0' ? weightBytes / 2 : weightBytes;
          const on = placement.gpus.length === 0 ? ['cpu'] : placement.gpus;
          return { bytes: Object.fromEntries(on.map((id) => [id, bytes / on.length])), parts: {}, notes: [] };
        },
      });
      const devices = [gpu(0, 12), gpu(1, 12), host(64)];
      const model = profile(weights, { forms: [form('transformers')] });
      const decision = decide(question({ devices, runtimes: [runtime({}, converting)], profile: model }));
      return [reported(decision), decision.kind === 'place' ? decision.candidate.plan.preparation?.type : null];
    };
    // As BF16 on two GPUs, though one would do for Q8_0.
    expect(made(16)).toEqual(['place gpu GPU-0+GPU-1', 'BF16']);
    expect(made(8)).toEqual(['place gpu GPU-0', 'BF16']);
    // Only the less faithful fits on GPUs at all.
    expect(made(30)).toEqual(['place gpu GPU-0+GPU-1', 'Q8_0']);
  });

  it('does not count what the model itself holds', () => {
    expect(reported(decide(question({ residents: [resident('new', { 'GPU-0': 20 })], devices: [full(0, 4), host(4)] })))).toBe(
      'refuse no-room',
    );
  });

  it('corrects by what was measured, and says so', () => {
    const learned = {
      modelId: 'new',
      runtime: 'llama',
      planHash: 'x',
      predicted: { 'GPU-0': GIB },
      measured: { 'GPU-0': 1.25 * GIB },
      loadSeconds: 7,
    } as const;
    const decision = decide(question({ measurements: [learned] }));
    expect(decision.kind === 'place' && decision.candidate.bytesNeeded).toEqual({ 'GPU-0': 10 * GIB });
    expect(decision.kind === 'place' && decision.candidate.loadSeconds).toBe(7);
    const corrected = decision.because.facts.filter(({ fact }) => fact === 'corrected').map((fact) => factInWords(fact));
    expect(corrected).toEqual(['estimate of GPU memory x 1.25 (this model took that with another plan)']);
    // How the figures came about is for who opens the details.
    expect(decision.reason).toBe('On GPU 0: it fits; needs 10.0 GiB, 24.0 GiB free');
  });
});

const residentOf = (gpus: number) =>
  fc.record({
    device: fc.integer({ min: 0, max: gpus }),
    gib: fc.integer({ min: 0, max: 14 }),
    state: fc.constantFrom('ready', 'ready', 'ready', 'loading', 'asleep', 'draining'),
    pinned: fc.boolean(),
    inFlight: fc.constantFrom(0, 0, 0, 2),
    ageMs: fc.constantFrom(1_000, 20_000, 500_000),
    idleMs: fc.integer({ min: 0, max: 500_000 }),
    loadSeconds: fc.option(fc.integer({ min: 0, max: 90 })),
  });

const boxes = fc.integer({ min: 0, max: 4 }).chain((gpus) =>
  fc.record({
    gpus: fc.constant(gpus),
    residents: fc.array(residentOf(gpus), { maxLength: 14 }),
    others: fc.array(fc.integer({ min: 0, max: 16 }), { minLength: gpus + 1, maxLength: gpus + 1 }),
    slots: fc.array(fc.boolean(), { minLength: gpus + 1, maxLength: gpus + 1 }),
    modelGib: fc.integer({ min: 1, max: 60 }),
    mayEvict: fc.boolean(),
    waitedMs: fc.constantFrom(0, 61_000),
    splits: fc.boolean(),
    groups: fc.boolean(),
    hostShare: fc.constantFrom(0, 0.1),
  }),
);

type Box = typeof boxes extends fc.Arbitrary<infer Value> ? Value : never;

/** A consistent box: what is there is what residents and others leave. */
function asked(box: Box): BrainInput {
  const ids = [...Array.from({ length: box.gpus }, (_, index) => `GPU-${index}`), 'cpu'];
  const residents: Resident[] = box.residents.map(({ device, gib, ageMs, idleMs, ...rest }, index) =>
    resident(`m${index}`, { [ids[device] ?? 'cpu']: gib }, { ...rest, sinceMs: NOW_MS - ageMs, lastUsedMs: NOW_MS - idleMs }),
  );
  const devices = ids.map((id, index) => {
    const emptyBytes = (id === 'cpu' ? 32 : 24) * GIB;
    const held = residents.reduce((sum, each) => sum + (each.held[id] ?? 0), 0);
    const change = {
      emptyBytes,
      availableBytes: emptyBytes - held - (box.others[index] ?? 0) * GIB,
      loading: box.slots[index] ? 'other' : null,
    };
    return id === 'cpu' ? host(32, change) : gpu(index, 24, change);
  });
  const runtimes = [runtime({}, planner({ splits: box.splits, groups: box.groups }, box.hostShare))];
  const { mayEvict, waitedMs } = box;
  return question({ devices, residents, runtimes, mayEvict, waitedMs, profile: profile(box.modelGib) });
}

describe('decide, for any box', () => {
  it('places only what fits after its victims, and never takes one that must stay', () => {
    fc.assert(
      fc.property(boxes, (box) => {
        const input = asked(box);
        const decision = decide(input);
        if (decision.kind !== 'place') return;
        const { bytesNeeded, victims } = decision.candidate;
        const gone = victims.map((id) => input.residents.find((each) => each.modelId === id)!);
        const lacks = (without: Resident | null) =>
          Object.entries(bytesNeeded).some(([id, bytes]) => {
            const there = input.devices.find((each) => each.id === id)!.availableBytes;
            return there + gone.reduce((sum, each) => sum + (each === without ? 0 : (each.held[id] ?? 0)), 0) < bytes;
          });
        expect(lacks(null)).toBe(false);
        for (const victim of gone) {
          expect(lacks(victim)).toBe(true);
          expect(victim.pinned).toBe(false);
          expect(['ready', 'asleep']).toContain(victim.state);
          expect(victim.inFlight > 0 && input.waitedMs < 60_000).toBe(false);
          expect(victim.state === 'ready' && NOW_MS - victim.sinceMs < 10_000).toBe(false);
        }
        if (!input.mayEvict) expect(victims).toEqual([]);
        const slots = [...decision.candidate.plan.placement.gpus, ...(decision.candidate.plan.placement.kind === 'gpu' ? [] : ['cpu'])];
        for (const id of slots) expect(input.devices.find((each) => each.id === id)!.loading).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it('waits only for models that could leave, and refuses only where waiting for them is no use', () => {
    fc.assert(
      fc.property(boxes, (box) => {
        const input = asked(box);
        const decision = decide(input);
        const verdict = decide({ ...input, box: 'empty' });
        expect(verdict.kind).not.toBe('wait');
        if (verdict.kind === 'refuse') expect(decision.kind === 'refuse' && decision.refusal).toBe(verdict.refusal);
        if (decision.kind === 'wait') {
          expect(decision.waitsFor.length).toBeGreaterThan(0);
          for (const id of decision.waitsFor)
            expect(input.residents.find((each) => each.modelId === id && each.pinned && each.state !== 'draining')).toBeUndefined();
        }
        if (decision.kind !== 'refuse' || verdict.kind === 'refuse') return;
        expect(decision.refusal).toBe('no-room');
        // Were every movable model gone and no load under way, there would still be no room.
        const staying = input.residents.filter((each) => each.pinned && each.state !== 'draining');
        const devices = input.devices.map((room) => {
          const gone = input.residents.reduce((sum, each) => sum + (staying.includes(each) ? 0 : (each.held[room.id] ?? 0)), 0);
          return { ...room, availableBytes: room.availableBytes + gone, loading: null };
        });
        expect(decide({ ...input, devices, residents: staying }).kind).toBe('refuse');
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers the same question in the same way', () => {
    fc.assert(
      fc.property(boxes, (box) => {
        expect(decide(asked(box))).toEqual(decide(asked(box)));
      }),
      { numRuns: 100 },
    );
  });
});
