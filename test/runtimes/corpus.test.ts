/**
 * The corpus against the transformers library: parameters of each configuration on the meta device,
 * and what the layers of a real cache hold after a prompt through a small model of each
 * architecture.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import type { KvGroup, ModelProfile } from '../../shared/profile.ts';
import { bytesOf, CORPUS, configFile, TOKENIZER_FILES, tensorsOf, textFile, weightFiles } from '../helpers/corpus.ts';

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CONFIGS = here('../fixtures/corpus/configs.json');

/** One JSON object a line; the setup is run first, which does nothing where Python is there. */
async function python<Line extends { readonly name: string }>(
  work: string,
): Promise<ReadonlyMap<string, Line & { readonly error?: string }>> {
  await run(here('setup'), [], { timeout: 280_000 });
  const { stdout: interpreter } = await run(here('setup'), ['--where']);
  const options = { maxBuffer: 64 * 1024 * 1024, timeout: 280_000, env: { ...process.env, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '2' } };
  const { stdout } = await run(interpreter.trim(), [here('python/corpus.py'), work, CONFIGS], options);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line & { readonly error?: string });
  return new Map(lines.map((line) => [line.name, line]));
}

const NAMES = Object.keys(CORPUS).filter((name) => CORPUS[name]!.shapes !== false);

describe('parameters on the meta device', () => {
  interface Shapes {
    readonly name: string;
    readonly parameters: number;
    readonly rows: readonly (readonly [
      template: string,
      kind: string,
      shape: readonly number[],
      numbers: readonly (readonly number[])[],
    ])[];
  }
  let shapes: ReadonlyMap<string, Shapes & { readonly error?: string }>;
  beforeAll(async () => {
    shapes = await python<Shapes>('shapes');
  });

  test.each(NAMES)('%s', (name) => {
    const line = shapes.get(name);
    expect(line?.error).toBeUndefined();
    const { profile } = analyzeCandidate([configFile(CORPUS[name]!), ...weightFiles(tensorsOf(name)), ...TOKENIZER_FILES], false);
    // Buffers that the file keeps beside the parameters, and weights that only the published file
    // has.
    const kept = line!.rows.filter(([, kind]) => kind === 'W').reduce((sum, [, , shape, all]) => sum + all.length * product(shape), 0);
    const extra = Object.values(CORPUS[name]!.extra ?? {}).reduce((sum, shape) => sum + product(shape), 0);
    expect(profile!.parameters).toBe(kept + extra);
    expect(kept).toBeGreaterThanOrEqual(line!.parameters);
    expect((kept - line!.parameters) / line!.parameters).toBeLessThan(0.01);
    expect(profile!.weightBytes).toBe(tensorsOf(name).reduce((sum, tensor) => sum + bytesOf(tensor), 0));
  });
});

interface Layer {
  readonly valuesPerToken: number;
  readonly window: number | null;
  /** Values that a recurrent layer keeps: inputs of its convolution, and its state. */
  readonly convolution: number;
  readonly state: number;
}

/**
 * The new decoder of Falcon repeats its 8 heads for each of the 128 in this library's cache; vLLM
 * and llama.cpp keep the 8.
 */
const REPEATED: Readonly<Record<string, number>> = { 'falcon-40b': 16 };

/**
 * Encoders and classifiers: their classes have no cache to look into, and the analyzer has to say
 * that they need none.
 */
const WITHOUT_CACHE = [
  'bert-base',
  'bge-small-en-v1.5',
  'e5-large-v2',
  'minilm-l6',
  'ms-marco-minilm',
  'bge-reranker-base',
  'bge-m3',
  'roberta-base',
  'all-mpnet-base-v2',
  'distilbert-sst2',
  'modernbert-base',
  'clip-vit-base-32',
  'siglip-base-224',
  'vit-base-224',
  'dinov2-base',
  'resnet-50',
  'wav2vec2-base-960h',
];

describe('what a real cache holds', () => {
  interface Caches {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly layers: readonly Layer[];
    readonly cross: number;
  }
  let caches: ReadonlyMap<string, Caches & { readonly error?: string }>;
  beforeAll(async () => {
    caches = await python<Caches>('caches');
  });

  test('every configuration was looked at, and all but the named ones were run', () => {
    expect([...caches.values()].filter(({ error }) => error !== undefined)).toEqual([]);
    expect([...caches.keys()].toSorted()).toEqual(NAMES.toSorted());
    expect([...caches.values()].filter(({ layers }) => layers.length === 0).map(({ name }) => name)).toEqual(WITHOUT_CACHE);
  });

  test.each(WITHOUT_CACHE)('%s: no cache, because it only reads', (name) => {
    const { profile } = analyzeCandidate([configFile(CORPUS[name]!), ...weightFiles(tensorsOf(name)), ...TOKENIZER_FILES], false);
    expect(profile!.kv).toEqual({ bytesPerToken: 0, bytesPerSequence: 0, exact: true, groups: [] });
  });

  test.each(NAMES.filter((name) => !WITHOUT_CACHE.includes(name)))('%s', (name) => {
    const line = caches.get(name)!;
    const { kv } = profileOf(line.config);
    expect(kv?.exact).toBe(true);
    const own = totals(kv!.groups.filter(({ kind }) => kind !== 'cross'));
    expect(own.perSequence + Object.keys(own.perToken).length).toBeGreaterThan(0);
    expect(own).toEqual(measured(line.layers, REPEATED[name] ?? 1));
    const cross = kv!.groups.filter(({ kind }) => kind === 'cross').reduce((sum, group) => sum + group.bytesPerSequence, 0);
    expect(cross).toBe(line.cross * 2);
  });
});

function profileOf(config: Readonly<Record<string, unknown>>): ModelProfile {
  const weights = weightFiles([{ name: 'model.embed', type: 'F32', shape: [8, 8] }]);
  // LLaVA's configuration leaves the layers out: the shapes of the published weights tell them.
  const whole = config['model_type'] === 'llava' ? weightFiles(tensorsOf('llava-1.5-7b')) : weights;
  return analyzeCandidate([textFile('config.json', config), ...whole, ...TOKENIZER_FILES], false).profile!;
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

interface Totals {
  /** Bytes of a token by window (`all` for none), and of a sequence. */
  readonly perToken: Readonly<Record<string, number>>;
  readonly perSequence: number;
}

function totals(groups: readonly KvGroup[]): Totals {
  const perToken: Record<string, number> = {};
  for (const { windowTokens, bytesPerToken } of groups) {
    const key = String(windowTokens ?? 'all');
    if (bytesPerToken > 0) perToken[key] = (perToken[key] ?? 0) + bytesPerToken;
  }
  return { perToken, perSequence: groups.reduce((sum, group) => sum + group.bytesPerSequence, 0) };
}

/** 16 bits a value, 32 for a state. */
function measured(layers: readonly Layer[], repeated: number): Totals {
  const perToken: Record<string, number> = {};
  for (const { window, valuesPerToken } of layers) {
    const key = String(window ?? 'all');
    if (valuesPerToken > 0) perToken[key] = (perToken[key] ?? 0) + (valuesPerToken * 2) / repeated;
  }
  return { perToken, perSequence: layers.reduce((sum, { convolution, state }) => sum + convolution * 2 + state * 4, 0) };
}
