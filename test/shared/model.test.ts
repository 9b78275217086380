import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LaunchPlan } from '../../shared/decision.ts';
import { type AfterDrain, type ModelEvent, type ModelState, type Next, STATE_NAMES, type StateName } from '../../shared/model.ts';
import { IllegalTransition, transition } from '../../shared/transition.ts';

const plan: LaunchPlan = {
  runtime: 'llama',
  form: 'gguf',
  file: 'm.gguf',
  placement: { kind: 'cpu', gpus: [], gpuLayers: 0 },
  contextTokens: 2048,
  parallelSequences: 4,
  args: [],
  env: {},
};
const copy = { bytesPresent: 1, bytesExpected: 2, missing: ['a.gguf'] };
const endpoint = { at: { port: 8100 }, key: 'k', protocol: 'openai', model: 'm', prefix: '/v1' } as const;
const failure = { code: 'runtime-exited', message: 'it ended', lastOutput: ['x'], permanent: false };

const ready: Extract<ModelState, { name: 'ready' }> = {
  name: 'ready',
  plan,
  runtime: 'llama',
  endpoint,
  devices: ['cpu'],
  predicted: { cpu: 10 },
  measured: { cpu: 11 },
  pids: [7],
  sinceMs: 5,
  loadSeconds: 1,
};
const becomesAll: readonly AfterDrain[] = [
  { to: 'unloaded', reason: 'idle' },
  { to: 'asleep' },
  { to: 'failed', failure, attempts: 1, retryAtMs: 9 },
  { to: 'analyzed' },
  { to: 'settling' },
  { to: 'forgotten' },
];
const draining = (becomes: AfterDrain, signalled: boolean, reason: 'idle' | 'memory'): ModelState => ({
  name: 'draining',
  reason,
  from: 'ready',
  becomes,
  deadlineMs: 30,
  held: { cpu: 11 },
  pids: [7],
  signalled,
  ready,
});

const asleep = { name: 'asleep', plan, tier: 1, held: { cpu: 3 }, awake: { cpu: 11 }, pids: [7], sinceMs: 0 } as const;

/** One of each state, and the variants that the table tells apart. */
const states: readonly ModelState[] = [
  { name: 'discovered' },
  { name: 'settling', copy },
  { name: 'analyzed' },
  { name: 'blocked', reason: 'too-large', message: 'm', help: 'h' },
  { name: 'preparing', progress: 0, sinceMs: 0 },
  { name: 'queued', asleep: null, sinceMs: 0, why: 'w' },
  { name: 'queued', asleep, sinceMs: 0, why: 'w' },
  { name: 'loading', plan, decisionId: 1, predicted: { cpu: 10 }, phase: 'starting', progress: null, pids: [], sinceMs: 0 },
  ready,
  asleep,
  ...becomesAll.flatMap((becomes) => [
    draining(becomes, false, 'idle'),
    draining(becomes, true, 'idle'),
    draining(becomes, false, 'memory'),
  ]),
  { name: 'unloaded', reason: 'idle', atMs: 1 },
  { name: 'failed', failure, attempts: 1, retryAtMs: 9 },
];

const events: readonly ModelEvent[] = [
  { type: 'listed', copy },
  { type: 'copied', copy },
  { type: 'analyzed' },
  { type: 'recognised', as: { name: 'unloaded', reason: 'restart', atMs: 0 } },
  { type: 'blocked', reason: 'unreadable', message: 'm', help: 'h' },
  { type: 'blocked', reason: 'damaged', message: 'm', help: 'h' },
  { type: 'blocked', reason: 'no-room', message: 'm', help: 'h' },
  { type: 'rested', reason: 'not-asked', atMs: 2 },
  { type: 'queued', sinceMs: 2, why: 'w' },
  { type: 'queue-moved', why: 'v' },
  { type: 'preparation-started', sinceMs: 2 },
  { type: 'preparation-progressed', progress: 0.5 },
  { type: 'prepared', sinceMs: 2 },
  { type: 'reconsidered' },
  { type: 'files-changed', copy },
  { type: 'gone' },
  { type: 'granted', plan, decisionId: 1, predicted: { cpu: 10 }, sinceMs: 2 },
  { type: 'load-progressed', phase: 'p', progress: 0.5, pids: [7] },
  { type: 'loaded', endpoint, devices: ['cpu'], measured: { cpu: 11 }, pids: [7], sinceMs: 3, loadSeconds: 1 },
  { type: 'drain-started', reason: 'idle', becomes: { to: 'unloaded', reason: 'idle' }, deadlineMs: 30 },
  { type: 'drain-redirected', becomes: { to: 'forgotten' } },
  { type: 'drain-signalled' },
  { type: 'drain-revoked' },
  { type: 'drained', atMs: 4, copy },
  { type: 'asleep-settled', tier: 1, held: { cpu: 3 }, awake: { cpu: 11 }, plan, pids: [7], atMs: 4 },
];

/**
 * The design's table once more, by hand: state -> where each event leads. What is not here must
 * throw.
 */
const table: Record<StateName, Partial<Record<ModelEvent['type'], readonly (StateName | 'forgotten')[]>>> = {
  discovered: { listed: ['settling'], recognised: ['unloaded'], blocked: ['blocked'], gone: ['forgotten'] },
  settling: {
    copied: ['settling'],
    'files-changed': ['settling'],
    analyzed: ['analyzed'],
    recognised: ['unloaded'],
    blocked: ['blocked'],
    gone: ['forgotten'],
  },
  analyzed: { 'preparation-started': ['preparing'], queued: ['queued'], blocked: ['blocked'], rested: ['unloaded'] },
  blocked: { reconsidered: ['analyzed'], 'files-changed': ['settling'], gone: ['forgotten'] },
  unloaded: { reconsidered: ['analyzed'], 'files-changed': ['settling'], gone: ['forgotten'] },
  failed: { reconsidered: ['analyzed'], 'files-changed': ['settling'], gone: ['forgotten'] },
  preparing: { 'preparation-progressed': ['preparing'], prepared: ['queued'], 'drain-started': ['draining'] },
  queued: {
    'queue-moved': ['queued'],
    granted: ['loading'],
    'preparation-started': ['preparing'],
    blocked: ['blocked'],
    rested: ['unloaded', 'asleep'],
    reconsidered: ['analyzed', 'queued'],
    'files-changed': ['settling'],
    gone: ['forgotten'],
    'drain-started': ['draining'],
  },
  loading: { 'load-progressed': ['loading'], loaded: ['ready'], 'drain-started': ['draining'] },
  ready: { 'drain-started': ['draining'] },
  asleep: { queued: ['queued'], 'drain-started': ['draining'] },
  draining: {
    'drain-redirected': ['draining'],
    'drain-signalled': ['draining'],
    'drain-revoked': ['ready'],
    drained: ['unloaded', 'failed', 'analyzed', 'settling', 'forgotten'],
    'asleep-settled': ['asleep'],
  },
};

function attempt(state: ModelState, event: ModelEvent): Next | 'illegal' {
  try {
    return transition(state, event);
  } catch (error) {
    if (error instanceof IllegalTransition) return 'illegal';
    throw error;
  }
}

const nameOf = (next: Next) => (next === 'forgotten' ? next : next.name);

describe('transition', () => {
  test('every state is in the samples and in the table', () => {
    expect([...new Set(states.map((state) => state.name))].sort()).toEqual([...STATE_NAMES].sort());
  });

  test.each(states.flatMap((state) => events.map((event) => [state, event] as const)))('%j on %j', (state, event) => {
    const next = attempt(state, event);
    const allowed = table[state.name][event.type];
    if (next === 'illegal') return;
    expect(allowed).toContain(nameOf(next));
  });

  test('each move of the table is possible from some state of that name', () => {
    for (const [name, moves] of Object.entries(table)) {
      for (const [type, targets] of Object.entries(moves)) {
        const reached = states
          .filter((state) => state.name === name)
          .flatMap((state) => events.filter((event) => event.type === type).map((event) => attempt(state, event)))
          .flatMap((next) => (next === 'illegal' ? [] : [nameOf(next)]));
        expect(new Set(reached), `${name} on ${type}`).toEqual(new Set(targets));
      }
    }
  });

  test('a process may live only where a drain is the way out', () => {
    const living: readonly StateName[] = ['loading', 'ready', 'asleep', 'preparing'];
    for (const state of states.filter(({ name }) => living.includes(name))) {
      for (const event of events) {
        const next = attempt(state, event);
        if (next === 'illegal' || next === 'forgotten') {
          expect(next, `${state.name} on ${event.type}`).toBe('illegal');
          continue;
        }
        const stays = [...living, 'draining', 'queued'] as const;
        expect(stays, `${state.name} on ${event.type}`).toContain(next.name);
      }
    }
  });

  test('only an idle drain that sent no signal goes back to ready', () => {
    for (const state of states) {
      if (state.name !== 'draining') continue;
      const next = attempt(state, { type: 'drain-revoked' });
      expect(next).toEqual(state.reason === 'idle' && !state.signalled ? ready : 'illegal');
    }
  });

  test('random walks never leave the table, and a forgotten model was never left with a process', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (walk) => {
        let state: ModelState = { name: 'discovered' };
        for (const event of walk) {
          const next = attempt(state, event);
          if (next === 'illegal') continue;
          if (next === 'forgotten') {
            expect(['discovered', 'settling', 'blocked', 'unloaded', 'failed', 'queued', 'draining']).toContain(state.name);
            return;
          }
          expect(table[state.name][event.type]).toContain(next.name);
          state = next;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
