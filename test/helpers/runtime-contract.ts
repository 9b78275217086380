/**
 * What every runtime owes its host and the brain, be it a process for each model, or a server that
 * its models live in. Steps are answered from a table: no process, no socket, no file. Answers
 * faults as sentences, so that a test can show that it finds planted ones.
 */
import { planHash } from '../../main/core/decide/plan-hash.ts';
import type { Adapter, ForeignFacts, LoadTarget } from '../../main/runtime/adapter.ts';
import type { RuntimeModule } from '../../main/runtime/module.ts';
import type { Step, Steps } from '../../main/runtime/step.ts';
import type { Placement } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Address, Endpoint } from '../../shared/model.ts';
import { FORM_KINDS, type FormKind, type ModelForm, type ModelProfile } from '../../shared/profile.ts';
import { MIB } from '../../shared/units.ts';
import { textProfile } from './core-box.ts';
import { searchMachine } from './searching.ts';

const LOOKS: readonly Step['do'][] = ['stats', 'names', 'read', 'real', 'own', 'package', 'ask'];
const SCRATCH = '/scratch';
const KEY = 'a-key-that-nobody-may-see';
const PORT = 8123;
const LONGEST_QUESTION_MS = 600_000;
/** What OpenAI's routes answer with, as far as anybody looks. */
const ANSWER = JSON.stringify({
  choices: [{ text: 'a' }],
  data: [{ id: 'a-model', embedding: [1] }],
  results: [{ index: 0 }],
  inputs: [],
  outputs: [],
});
const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const GPU: Placement = { kind: 'gpu', gpus: ['GPU-0'], gpuLayers: null };

/**
 * Answers what only this kind of server is asked; undefined: as any other. @param proof the status
 * of a first answer.
 */
export type ServerAnswers = (step: Step, proof: number) => unknown;

/**
 * @param found what its search would find where it is installed. @param answers of a server with
 * routes of its own, anew for each use.
 */
export function faultsOf(module: RuntimeModule, found: unknown, answers?: () => ServerAnswers): readonly string[] {
  const machine = searchMachine({
    gpu: () => ({ totalBytes: 24_576 * MIB, computeCapability: '9.0', index: 0 }),
    driver: { isPresent: true, why: '1 GPU' },
  });
  const adapter = module.adapter(machine, found);
  return [
    ...searchFaults(module),
    ...wordFaults(module, adapter),
    ...formFaults(module, adapter),
    ...(module.unit === 'process' ? loadFaults(adapter) : serverFaults(module, adapter, answers)),
    ...pairFaults(adapter),
  ];
}

/** Runs steps; `answer` gives each its answer. */
function drive<Result>(
  steps: Steps<Result>,
  answer: (step: Step) => unknown,
): { readonly taken: readonly Step[]; readonly result: Result } {
  const taken: Step[] = [];
  let turn = steps.next();
  while (!turn.done) {
    taken.push(turn.value);
    if (taken.length > 10_000) throw new Error('it never ends');
    if (turn.value.do === 'alone') {
      const inner = drive(turn.value.steps(), answer);
      taken.push(...inner.taken);
      turn = steps.next(inner.result);
    } else turn = steps.next(answer(turn.value));
  }
  return { taken, result: turn.value };
}

/** An empty machine. */
function nothing(step: Step): unknown {
  if (step.do === 'stats') return step.paths.map(() => null);
  if (step.do === 'ask') return [];
  return step.do === 'names' ? [] : null;
}

function searchFaults(module: RuntimeModule): readonly string[] {
  const machine = searchMachine();
  const first = drive(module.find(machine, module.notFound), nothing);
  const again = drive(module.find(machine, first.result), nothing);
  const check = drive(module.check(machine), nothing);
  const foreign = [...first.taken, ...check.taken].filter((step) => !LOOKS.includes(step.do));
  return [
    ...foreign.map((step) => `its search asks for ${step.do}`),
    ...(again.result === first.result ? [] : ['it finds something new where nothing changed']),
    ...check.result.flatMap(({ what, message }) => (what === '' || message === '' ? ['check says nothing'] : [])),
  ];
}

function wordFaults(module: RuntimeModule, adapter: Adapter): readonly string[] {
  const unknown = adapter.explainExit({ code: 3, signal: null }, ['some words.']);
  const killed = adapter.explainExit({ code: null, signal: 'SIGKILL' }, []);
  const metrics = module.words.metrics;
  const [first, last] = adapter.portRange;
  return [
    ...(adapter.id === module.id ? [] : ['its adapter has another id']),
    ...(module.name === '' ? ['it has no name'] : []),
    ...[adapter.found.message, unknown.message, killed.message].flatMap((text) => (/^\S.*\.$/s.test(text) ? [] : [`no sentence: ${text}`])),
    ...(unknown.message.includes('some words') ? [] : ['its last words are not told']),
    ...(unknown.permanent ? ['an exit that nobody knows is called permanent'] : []),
    ...(adapter.progress('no words of any runtime') === null ? [] : ['it takes anything for progress']),
    ...(metrics === null || /[:_]$/.test(metrics) ? [] : ['the prefix of its figures has no end']),
    ...(first <= last && adapter.stopping.graceSeconds > 0 && adapter.stopping.loadingGraceSeconds > 0
      ? []
      : ['its ports or its grace are none']),
  ];
}

/** @param servers of its runtime: one of them has it, where it lies elsewhere. */
const profileOf = (kind: FormKind, { servers }: Adapter): ModelProfile => ({
  ...textProfile(512 * MIB),
  forms: [
    { kind, files: [`m.${kind}`], codeFiles: [], ...(kind === 'remote' ? { server: servers?.[0]?.name ?? '' } : {}) } satisfies ModelForm,
  ],
});

/** The first form that it takes, with its model. */
function taken(adapter: Adapter): { readonly profile: ModelProfile; readonly form: ModelForm } | null {
  for (const kind of FORM_KINDS) {
    const profile = profileOf(kind, adapter);
    const [form] = profile.forms;
    if (form !== undefined && adapter.supports(profile, form).supported) return { profile, form };
  }
  return null;
}

function formFaults(module: RuntimeModule, adapter: Adapter): readonly string[] {
  return FORM_KINDS.flatMap((kind) => {
    const profile = profileOf(kind, adapter);
    const [form] = profile.forms;
    if (form === undefined) return [];
    const { supported, why } = adapter.supports(profile, form);
    if (why === '') return [`it does not say why it takes ${kind} or not`];
    if (!supported) return [];
    if (module.preference(profile.kind, kind, 'gpu') === null) return [`it takes ${kind}, and has no place in the line for it`];
    const where = adapter.elsewhere?.(form);
    if (where !== undefined) return elsewhereFaults(adapter, profile, form, where);
    return [CPU, GPU].flatMap((placement) => {
      const plan = adapter.plan(profile, form, placement, {});
      const { bytes, parts } = adapter.estimate(profile, plan);
      const untold = sum(bytes) - sum(parts);
      const [device = 'cpu'] = placement.gpus;
      return [
        ...(plan.runtime === adapter.id ? [] : ['its plan names another runtime']),
        ...(planHash(plan) === planHash(adapter.plan(profile, form, placement, {})) ? [] : ['the same plan has two hashes']),
        ...(Number.isFinite(bytes[device]) && (bytes[device] ?? 0) >= profile.weightBytes
          ? []
          : [`it would take less than its weights on ${device}`]),
        // A byte of each is lost where a share is rounded up.
        ...(Math.abs(untold) <= 8 ? [] : [`its parts leave ${untold} bytes untold on ${device}`]),
      ];
    });
  });
}

function sum(bytes: Readonly<Record<string, number>>): number {
  return Object.values(bytes).reduce((total, each) => total + each, 0);
}

/** It names its place, and wants nothing of this machine. */
function elsewhereFaults(adapter: Adapter, profile: ModelProfile, form: ModelForm, where: string): readonly string[] {
  const plan = adapter.plan(profile, form, { kind: 'elsewhere', gpus: [], gpuLayers: null, where }, {});
  return [
    ...(where === '' ? ['it does not say where it runs'] : []),
    ...(Object.keys(adapter.estimate(profile, plan).bytes).length === 0 ? [] : ['it takes memory here, and runs elsewhere']),
  ];
}

function loadFaults(adapter: Adapter): readonly string[] {
  const some = taken(adapter);
  if (some === null) return ['it takes no form at all'];
  const plan = adapter.plan(some.profile, some.form, CPU, {});
  const target: LoadTarget = { modelId: 'a-model', path: '/models/m', file: '/models/m/f', plan, profile: some.profile, proof: 'generate' };
  const { taken: steps, result } = drive(adapter.load(target), server([null, 503, 200], 200));
  const spawns = steps.filter((step) => step.do === 'spawn');
  const calls = steps.filter((step) => step.do === 'http');
  const listens = JSON.stringify([...(spawns[0]?.args ?? []), ...Object.values(spawns[0]?.env ?? {})]);
  return [
    ...(spawns.length === 1 ? [] : [`a load starts ${spawns.length} processes`]),
    ...(JSON.stringify(spawns.map(({ args }) => args)).includes(KEY)
      ? ['its key stands in the command line, which everybody may read']
      : []),
    ...(steps.indexOf(calls[0] as Step) > steps.indexOf(spawns[0] as Step) ? [] : ['it asks before it started anything']),
    ...calls.flatMap(({ at, key }) => (same(at, result.at) && key === result.key ? [] : ['it asks elsewhere than it serves'])),
    ...('port' in result.at && !listens.includes(String(PORT)) ? ['nobody tells the process its port'] : []),
    ...endpointFaults(result, 'a-model'),
    ...boundFaults(steps),
    ...(provesWith(adapter, target, 500) ? ['it is called ready though its first answer failed'] : []),
  ];
}

/** Processor time counts as a sign of life: a question that never ends would load for ever. */
function boundFaults(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) =>
    step.do !== 'http' || (step.timeoutMs > 0 && step.timeoutMs <= LONGEST_QUESTION_MS) ? [] : [`it asks ${step.path} without a bound`],
  );
}

const SERVER: Endpoint = { at: { port: PORT }, key: KEY, protocol: 'openai', model: '', prefix: '/v1' };

/** A server starts by itself; a model gets into it by calls alone, and out again. */
function serverFaults(module: RuntimeModule, adapter: Adapter, answers?: () => ServerAnswers): readonly string[] {
  const some = taken(adapter);
  const [facts] = adapter.servers ?? [];
  if (some === null || facts === undefined) return ['it takes no form at all, or has no server'];
  const plan = adapter.plan(some.profile, some.form, CPU, {});
  const target: LoadTarget = { modelId: 'a-model', path: '/models/m', file: '/models/m/f', plan, profile: some.profile, proof: 'generate' };
  const { taken: steps, result } = drive(adapter.load(target), server([200], 200, answers?.()));
  const asked = steps.findIndex((step) => step.do === 'http');
  return [
    ...(adapter.servers?.some(({ name }) => name === plan.server) ? [] : ['its plan names no server of it']),
    ...((module.unit === 'remote') === facts.isForeign ? [] : ['it starts what is not its own, or does not start what is']),
    ...(facts.isForeign ? lookFaults(facts) : startFaults(drive(facts.start(), server([null, 503, 200], 200, answers?.())))),
    ...(steps.some((step) => step.do === 'spawn') ? ['a load starts a process'] : []),
    ...(steps.findIndex((step) => step.do === 'enter') <= (asked < 0 ? 0 : asked) ? [] : ['it asks before its server is there']),
    ...(same(result.at, SERVER.at) ? [] : ['a model is not where its server is']),
    ...boundFaults(steps),
    ...(facts.isForeign || (adapter.detach !== undefined && endpointFaults(result, 'a-model').length === 0)
      ? []
      : ['nobody lets go of its models']),
    ...(!facts.isForeign && provesWith(adapter, target, 500, answers?.()) ? ['it is called ready though its first answer failed'] : []),
  ];
}

/** It is looked at: there, away, and refusing the key, which servers quote. */
function lookFaults({ where, check }: ForeignFacts): readonly string[] {
  const look = (status: number, body: string) =>
    drive(check(), (step) => (step.do !== 'http' ? undefined : status === 0 && step.reportsWhy !== true ? null : { status, body })).result;
  const there = look(200, ANSWER);
  const away = [look(0, 'ECONNREFUSED'), look(401, `wrong key: ${KEY}`), look(503, ''), look(200, '<html>')];
  return [
    ...(where === '' ? ['nobody knows where it is'] : []),
    ...(there.isThere && there.offers.some(({ model }) => model === 'a-model') ? [] : ['it does not offer what its server lists']),
    ...away.flatMap((each) => {
      if (each.isThere) return ['it is called there, and gave no list'];
      return [each.why, ...(each.help === '' ? [] : [each.help])].flatMap((text) =>
        /^\S.*[.?]$/.test(text) ? [] : [`no sentence: ${text}`],
      );
    }),
    ...(JSON.stringify(away).includes(KEY) ? ['it tells the key that its server refuses'] : []),
  ];
}

function startFaults({ taken: steps, result }: { readonly taken: readonly Step[]; readonly result: Endpoint }): readonly string[] {
  const spawns = steps.filter((step) => step.do === 'spawn');
  return [
    ...(spawns.length === 1 ? [] : [`a start starts ${spawns.length} processes`]),
    ...(JSON.stringify(spawns.map(({ args }) => args)).includes(KEY)
      ? ['its key stands in the command line, which everybody may read']
      : []),
    ...(isClosed(result) ? [] : ['anybody on this machine may use it']),
  ];
}

/** By a key, or because its socket lies in a folder that only this user may open. */
function isClosed({ key, at }: Endpoint): boolean {
  return key === KEY || ('socket' in at && at.socket.startsWith(SCRATCH));
}

/** Health answers in their order (null: nobody listens), and then the status of everything else. */
function server(health: readonly (number | null)[], proof: number, answers?: ServerAnswers): (step: Step) => unknown {
  const left = [...health];
  return (step) => {
    const own = answers?.(step, proof);
    if (own !== undefined) return own;
    if (step.do === 'key') return KEY;
    if (step.do === 'port') return PORT;
    if (step.do === 'scratch') return SCRATCH;
    if (step.do === 'enter') return SERVER;
    if (step.do !== 'http') return undefined;
    const status = step.path === '/health' ? (left.length > 1 ? left.shift() : left[0]) : proof;
    return status == null ? null : { status, body: status === 200 ? ANSWER : '{}' };
  };
}

function provesWith(adapter: Adapter, target: LoadTarget, status: number, answers?: ServerAnswers): boolean {
  try {
    drive(adapter.load(target), server([200], status, answers));
    return true;
  } catch (error) {
    return !(error instanceof ModeliumError);
  }
}

function endpointFaults(endpoint: Endpoint, id: string): readonly string[] {
  const { model, prefix } = endpoint;
  return [
    ...(model === id ? [] : [`it serves ${model}, not ${id}`]),
    ...(prefix === '' || prefix.startsWith('/') ? [] : ['the prefix of its routes is none']),
    ...(isClosed(endpoint) ? [] : ['anybody on this machine may use it']),
  ];
}

/** What only makes sense together. */
function pairFaults(adapter: Adapter): readonly string[] {
  const { attach, whyNotAttached, sleep, wake, canSleep, prepare, preparations } = adapter;
  // A model is let go of by its server in the same way.
  const detach = adapter.servers === undefined ? adapter.detach : attach;
  const isWhole = (...parts: unknown[]): boolean => parts.every((part) => part !== undefined) || parts.every((part) => part === undefined);
  const base: Endpoint = { at: { port: PORT }, key: KEY, protocol: 'openai', model: 'base', prefix: '/v1' };
  const guest = attach === undefined ? null : drive(attach('a-guest', '/lora', base), server([200], 200)).result;
  return [
    ...(isWhole(attach, detach, whyNotAttached) ? [] : ['it takes guests, and cannot let go of them or say which']),
    ...(isWhole(sleep, wake, canSleep) ? [] : ['it sleeps, and cannot wake or say when']),
    ...(isWhole(prepare, preparations) ? [] : ['it prepares, and cannot say what']),
    ...(guest === null || same(guest.at, base.at) ? [] : ['a guest is not where its base is']),
    ...(guest === null ? [] : endpointFaults(guest, 'a-guest')),
  ];
}

function same(one: Address, other: Address): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
