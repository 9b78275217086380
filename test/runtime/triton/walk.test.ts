/**
 * A thousand random events at a Triton, one of our own and one of somebody else's, with what must
 * hold after each: loads and unloads of ours, loads that fail, model processes that end, models of
 * others that come and go, a server that ends. The steps are answered by what Triton 2.51 was seen
 * to do.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Adapter, LoadTarget } from '../../../main/runtime/adapter.ts';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import { NOT_FOUND } from '../../../main/runtime/triton/find.ts';
import { triton } from '../../../main/runtime/triton/module.ts';
import type { Placement } from '../../../shared/decision.ts';
import type { Endpoint } from '../../../shared/model.ts';
import { type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { settingsSchema } from '../../../shared/settings.ts';
import { searchMachine } from '../../helpers/searching.ts';

const EVENTS = ['load', 'fails', 'unload', 'dies', 'theirs', 'server'] as const;
const STEPS = 1_000;
const MODELS = 5;
const FORM: ModelForm = {
  kind: 'onnx',
  files: ['m.onnx'],
  codeFiles: [],
  inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
};
const PROFILE: ModelProfile = { ...NOTHING_KNOWN, architecture: 'onnx', weightBytes: 1000, forms: [FORM] };
const PLACE: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };

interface Loaded {
  isDead: boolean;
}

class Walk {
  readonly adapter: Adapter;
  readonly isForeign: boolean;
  /** In the server: what it says is READY. */
  readonly models = new Map<string, Loaded>();
  readonly entries = new Set<string>();
  /** Ours, as far as the adapter has said. */
  readonly loaded = new Map<string, Endpoint>();
  readonly theirs = new Set<string>();
  fails = false;

  constructor(isForeign: boolean) {
    this.isForeign = isForeign;
    const url = isForeign ? 'http://there:8000' : null;
    const machine = searchMachine({ settings: settingsSchema.parse({ triton: { url } }) });
    const there = { origin: 'http://there:8000', where: 'there', key: null, keyHeader: null, metricsOrigin: 'http://there:8002' };
    this.adapter = triton.adapter(machine, {
      ...NOT_FOUND,
      program: isForeign ? null : '/opt/tritonserver',
      backends: ['onnxruntime'],
      elsewhere: isForeign ? { ...there, problem: null, version: '2.51.0', loadProblem: null } : null,
    });
  }

  run<Result>(steps: Steps<Result>): Result {
    let turn = steps.next();
    while (!turn.done) turn = steps.next(this.#answer(turn.value));
    return turn.value;
  }

  #answer(step: Step): unknown {
    switch (step.do) {
      case 'enter':
        return { at: this.isForeign ? { url: 'http://there:8000' } : { socket: '/s/h' }, key: null, protocol: 'v2', model: '', prefix: '' };
      case 'write':
        if (step.parts === null) this.entries.delete(step.entry);
        else this.entries.add(step.entry);
        return `/s/${step.entry}`;
      case 'stats':
        return step.paths.map(() => ({ isFile: true, isExecutable: false, bytes: 1000, inode: 1, mtimeMs: 0 }));
      case 'real':
        return step.path;
      case 'upload':
        return this.#http(step.path);
      case 'http':
        return this.#http(step.path);
      default:
        return undefined;
    }
  }

  #http(path: string): { readonly status: number; readonly body: string } | null {
    const [, name = '', verb = ''] = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)$/.exec(path) ?? [];
    if (verb === 'load') {
      if (this.fails) return said(400, { error: `load failed for model '${name}': no weights` });
      this.models.set(name, { isDead: false });
      return said(200, {});
    }
    if (verb === 'unload') {
      this.models.delete(name);
      return said(200, {});
    }
    const all = [...this.models.keys(), ...this.theirs];
    if (path === '/v2/repository/index')
      return said(
        200,
        [...this.models.keys()].map((each) => ({ name: each, state: 'READY' })),
      );
    if (path === '/v2/models/stats') return said(200, { model_stats: all.map((each) => ({ name: each, version: '1' })) });
    if (path === '/v2') return said(200, { name: 'triton', version: '2.51.0', extensions: [] });
    if (path === '/metrics') return said(404, {});
    const [, model = '', rest = ''] = /^\/v2\/models\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const there = this.models.get(model);
    if (there === undefined && !this.theirs.has(model)) return said(400, { error: `Request for unknown model: '${model}' is not found` });
    if (rest === 'infer')
      return there?.isDead === true ? said(500, { error: `Stub process '${model}_0_0' is not healthy.` }) : said(200, {});
    const tensors = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
    return said(200, rest === '' ? { name: model, ...tensors } : {});
  }

  step(event: (typeof EVENTS)[number], index: number): void {
    const id = `m${index % MODELS}`;
    const endpoint = this.loaded.get(id);
    if (event === 'theirs') this.#toggle(`theirs-${index}`);
    else if (event === 'server') this.#end();
    else if (event === 'dies') {
      const model = this.models.get(endpoint?.model ?? '');
      if (model === undefined || endpoint === undefined) return;
      model.isDead = true;
      // It is known by its next answer, leaves, and is loaded anew.
      expect(this.run(this.adapter.checkModel!(endpoint))).toContain('has ended');
      this.#unload(id, endpoint);
      this.#load(id);
    } else if (event === 'unload' && endpoint !== undefined) this.#unload(id, endpoint);
    else if ((event === 'load' || event === 'fails') && endpoint === undefined) {
      this.fails = event === 'fails';
      this.#load(id);
      this.fails = false;
    }
  }

  #toggle(name: string): void {
    if (!this.theirs.delete(name)) this.theirs.add(name);
  }

  /**
   * One of ours takes its repository along; one of somebody else's comes back with what lies in its
   * own.
   */
  #end(): void {
    this.models.clear();
    this.entries.clear();
    this.loaded.clear();
  }

  #unload(id: string, endpoint: Endpoint): void {
    this.run(this.adapter.detach!(id, endpoint));
    this.loaded.delete(id);
  }

  #load(id: string): void {
    const plan = this.adapter.plan(PROFILE, FORM, PLACE, {});
    const target: LoadTarget = { modelId: id, path: `/models/${id}`, file: `/models/${id}/m.onnx`, plan, profile: PROFILE, proof: 'infer' };
    try {
      this.loaded.set(id, this.run(this.adapter.load(target)) as Endpoint);
    } catch (error) {
      expect(String(error)).toContain(`Triton could not load ${id}: no weights.`);
      // As whoever drains a load that failed does.
      const server: Endpoint = { at: { url: 'http://there:8000' }, key: null, protocol: 'v2', model: '', prefix: '' };
      this.run(this.adapter.detach!(id, server));
    }
  }

  check(where: string): void {
    const known = [...this.loaded.values()].map(({ model }) => model).toSorted();
    expect([...this.models.keys()].toSorted(), `${where}: in the server is what is loaded, and nothing else of ours`).toEqual(known);
    expect(
      [...this.models.values()].some(({ isDead }) => isDead),
      `${where}: nothing that is dead is called loaded`,
    ).toBe(false);
    expect([...this.entries].toSorted(), `${where}: an entry for each, of our own server`).toEqual(this.isForeign ? [] : known);
    const [server] = this.adapter.servers ?? [];
    if (server?.isForeign !== true) return;
    const seen = this.run(server.check());
    const offered = seen.isThere ? seen.offers.map(({ name }) => name).toSorted() : null;
    expect(offered, `${where}: what others have there is offered, and nothing of ours`).toEqual([...this.theirs].toSorted());
  }
}

function said(status: number, value: unknown): { readonly status: number; readonly body: string } {
  return { status, body: JSON.stringify(value) };
}

test.each([
  ['of our own', false],
  ["of somebody else's", true],
])('holds what it must over a thousand events at a server %s', (_whose, isForeign) => {
  const event = fc.tuple(fc.constantFrom(...EVENTS), fc.nat(20));
  fc.assert(
    fc.property(fc.array(event, { minLength: STEPS, maxLength: STEPS }), (events) => {
      const walk = new Walk(isForeign);
      for (const [at, [name, index]] of events.entries()) {
        walk.step(name, index);
        walk.check(`event ${at}, ${name} ${index}`);
      }
    }),
    { numRuns: 3, seed: 15 },
  );
});
