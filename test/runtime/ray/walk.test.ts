/**
 * A thousand random events on a cluster that others use too, with what must hold after each: loads
 * and unloads of ours, applications of others that come and go, whole lists that they put over
 * ours, a controller that is killed. The steps are answered by the fake cluster.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoadTarget } from '../../../main/runtime/adapter.ts';
import { rayAdapter } from '../../../main/runtime/ray/adapter.ts';
import { NOT_FOUND } from '../../../main/runtime/ray/find.ts';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import { FakeRay } from '../../fixtures/fake-ray/state.ts';
import { textProfile } from '../../helpers/core-box.ts';
import { searchMachine } from '../../helpers/searching.ts';

const HEAD = { origin: 'http://head:8265', where: 'there', host: 'head', isLocal: false, token: 'secret', problem: null };
const control = { at: { url: HEAD.origin }, key: 'secret' };
const SERVER: Endpoint = { ...control, protocol: 'openai', model: '', prefix: '/v1', control };
const FORM = { kind: 'transformers', files: ['model.safetensors'], codeFiles: [] } as const;
const profile: ModelProfile = { ...textProfile(1024), kind: 'embedding', architecture: 'BertModel', forms: [FORM] };
const EVENTS = ['load', 'unload', 'theirs', 'over', 'controller'] as const;
const STEPS = 1_000;
const MODELS = 5;

class Walk {
  readonly adapter = rayAdapter(searchMachine(), { ...NOT_FOUND, cluster: HEAD });
  readonly cluster = new FakeRay();
  /** Ours that are loaded, as far as the adapter has said. */
  readonly loaded = new Map<string, Endpoint>();
  theirs: readonly { readonly name: string }[] = [];
  /** Pauses until the controller is back. */
  silentFor = 0;
  /** Somebody puts their own list over ours at the next pause. */
  overtakes = false;

  run<Result>(steps: Steps<Result>): Result {
    let turn = steps.next();
    while (!turn.done) turn = steps.next(this.#answer(turn.value));
    return turn.value;
  }

  #answer(step: Step): unknown {
    this.cluster.controller = this.silentFor === 0;
    switch (step.do) {
      case 'enter':
        return SERVER;
      case 'key':
        return 'key';
      case 'alone':
        return this.run(step.steps());
      case 'pack':
        return { sha1: (step.packing.below === '' ? 'c' : 'd').repeat(40), bytes: 1 };
      case 'upload':
        return this.cluster.handle(step.method, step.path, null);
      case 'pause':
        if (this.overtakes) this.cluster.apps = this.theirs;
        this.overtakes = false;
        this.silentFor = Math.max(0, this.silentFor - 1);
        return undefined;
      case 'http':
        return step.path.startsWith('/api/') ? this.cluster.handle(step.method, step.path, step.body) : { status: 200, body: '{}' };
      default:
        return undefined;
    }
  }

  put(): void {
    const ours = this.cluster.apps.filter(({ name }) => name.startsWith('modelium-a-test-'));
    this.cluster.apps = [...this.theirs, ...ours];
  }

  step(event: (typeof EVENTS)[number], index: number): void {
    const id = `m${index % MODELS}`;
    if (event === 'controller') this.silentFor = 3;
    else if (event === 'over') this.overtakes = true;
    else if (event === 'theirs') {
      const name = `theirs-${index}`;
      const others = this.theirs.filter((app) => app.name !== name);
      this.theirs = others.length === this.theirs.length ? [...others, { name }] : others;
      this.put();
    } else if (event === 'load' && !this.loaded.has(id)) this.#load(id);
    else if (event === 'unload') {
      const endpoint = this.loaded.get(id);
      if (endpoint === undefined) return;
      this.silentFor = 0;
      this.run(this.adapter.detach!(id, endpoint));
      this.loaded.delete(id);
    }
  }

  #load(id: string): void {
    const place = { kind: 'elsewhere', gpus: [], gpuLayers: null, where: 'there' } as const;
    const path = `/models/${id}`;
    const plan = this.adapter.plan(profile, FORM, place, { path });
    const target: LoadTarget = { modelId: id, path, file: `${path}/model.safetensors`, plan, profile, proof: 'embed' };
    try {
      this.loaded.set(id, this.run(this.adapter.load(target)));
    } catch (error) {
      // A change needs a controller that answers; the next request tries again.
      expect(String(error)).toMatch(/controller does not answer/);
      this.silentFor = 0;
    }
    // Whoever was overwritten meanwhile is seen as lost, and leaves.
    for (const one of [...this.loaded.keys()]) if (!this.names().includes(`modelium-a-test-${one}`)) this.loaded.delete(one);
  }

  names(): readonly string[] {
    return this.cluster.apps.map(({ name }) => name);
  }

  check(where: string): void {
    const names = this.names();
    expect(new Set(names).size, `${where}: each name once`).toBe(names.length);
    expect(
      this.theirs.every(({ name }) => names.includes(name)),
      `${where}: what others have there stays`,
    ).toBe(true);
    for (const id of this.loaded.keys()) expect(names, `${where}: ${id} is loaded and there`).toContain(`modelium-a-test-${id}`);
    const ours = names.filter((name) => name.startsWith('modelium-'));
    expect(ours.length, `${where}: nothing of ours is left behind`).toBe(this.loaded.size);
    for (const app of this.cluster.apps)
      for (const uri of [app.runtime_env?.working_dir, ...(app.runtime_env?.py_modules ?? [])])
        if (uri !== undefined) expect([...this.cluster.packages], `${where}: its files are there`).toContain(uri.slice('gcs://'.length));
  }
}

test('holds what it must over a thousand events', () => {
  const event = fc.tuple(fc.constantFrom(...EVENTS), fc.nat(20));
  fc.assert(
    fc.property(fc.array(event, { minLength: STEPS, maxLength: STEPS }), (events) => {
      const walk = new Walk();
      for (const [at, [name, index]] of events.entries()) {
        walk.step(name, index);
        walk.check(`event ${at}, ${name} ${index}`);
      }
    }),
    { numRuns: 3, seed: 15 },
  );
});
