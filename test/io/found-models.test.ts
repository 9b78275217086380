/**
 * Stores of other tools, as they lie on a disk: what is found, what is refused, and that a look is
 * bounded.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storedName } from '../../main/core/stores/names.ts';
import { readOllamaManifest } from '../../main/core/stores/ollama.ts';
import { listCandidateFiles } from '../../main/io/files/files.ts';
import { findModels } from '../../main/io/reader/found-models.ts';
import { inspectCandidate } from '../../main/io/reader/inspect.ts';
import { storeFolders } from '../../main/io/reader/store-folders.ts';
import { CODE_CONFIG, TINY_TOKENIZER, tinySafetensors } from '../helpers/code-model.ts';
import { COMMIT, tinyBytes, writeHubModel, writeLmStudioModel, writeOllamaModel } from '../helpers/model-stores.ts';

let root: string;
let hub: string;
let studio: string;
let ollama: string;
const tiny = tinyBytes();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-stores-'));
  [hub, studio, ollama] = ['hub', '.lmstudio/models', 'ollama'].map((name) => join(root, name)) as [string, string, string];
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const find = (limits = { forMs: 10_000, mostModels: 100 }) =>
  findModels(
    [
      { store: 'huggingface', path: hub },
      { store: 'lm-studio', path: studio },
      { store: 'ollama', path: ollama },
    ],
    limits,
  );

const names = async () => (await find()).models.map(({ name }) => name);

describe('names', () => {
  test.each<[string, string | null]>([
    ['/c/hub/models--o--n', 'o/n'],
    [`/c/hub/models--o--n/snapshots/${COMMIT}`, 'o/n'],
    ['/c/hub/models--gpt2', 'gpt2'],
    ['/c/hub/datasets--o--n', null],
    ['/o/models/manifests/registry.ollama.ai/library/llama3.2/1b', 'llama3.2:1b'],
    ['/o/models/manifests/hf.co/someone/thing/Q4_K_M', 'someone/thing:Q4_K_M'],
    ['/h/.lmstudio/models/o/n', 'o/n'],
    ['/h/.cache/lm-studio/models/o/n', 'o/n'],
    ['/h/.lmstudio/models/o/n/f.gguf', null],
    ['/models/incoming/x', null],
  ])('%s', (path, name) => {
    expect(storedName(path)).toBe(name);
  });

  test('the folders are those that each tool would use', () => {
    const paths = (environment: NodeJS.ProcessEnv) => storeFolders(environment, '/home/u').map(({ path }) => path);
    expect(paths({})).toEqual([
      '/home/u/.cache/huggingface/hub',
      '/home/u/.lmstudio/models',
      '/home/u/.cache/lm-studio/models',
      '/home/u/.ollama/models',
      '/usr/share/ollama/.ollama/models',
    ]);
    expect(paths({ HF_HUB_CACHE: '/a', HF_HOME: '/b', OLLAMA_MODELS: '/c' })).toEqual(expect.arrayContaining(['/a', '/b/hub', '/c']));
    expect(paths({ HF_HOME: 'relative', OLLAMA_MODELS: '' })).toEqual(paths({}));
  });
});

describe('what is found', () => {
  test('a model of each store, by its own name, where it lies; nothing is written', async () => {
    writeHubModel(hub, 'o/Tiny-GGUF', { 'tiny.gguf': tiny, 'README.md': '---\nlicense: mit\n---\n' });
    writeLmStudioModel(studio, 'o/Studio-GGUF', 'studio.gguf', tinyBytes(2));
    writeOllamaModel(ollama, 'llama3.2', '1b', tinyBytes(3));
    const before = readdirSync(root, { recursive: true }).toSorted();
    const { models, problems, isCut } = await find();
    expect(models).toMatchObject([
      { store: 'huggingface', name: 'o/Tiny-GGUF', path: join(hub, 'models--o--Tiny-GGUF'), whole: true, problem: null, registered: null },
      { store: 'lm-studio', name: 'o/Studio-GGUF', path: join(studio, 'o/Studio-GGUF'), whole: true, bytes: tiny.length },
      { store: 'ollama', name: 'llama3.2:1b', whole: true, bytes: tiny.length, kind: 'chat' },
    ]);
    expect({ problems, isCut }).toEqual({ problems: [], isCut: false });
    expect(readdirSync(root, { recursive: true }).toSorted()).toEqual(before);
  });

  test('several models of one folder are several; its projector is none; parts are one', async () => {
    for (const file of ['m-Q4_0.gguf', 'm-Q8_0.gguf', 'mmproj-m-f16.gguf']) writeLmStudioModel(studio, 'o/m', file, tiny);
    for (const part of [1, 2]) writeLmStudioModel(studio, 'o/split', `s-0000${part}-of-00002.gguf`, tiny);
    expect(await names()).toEqual(['o/m/m-Q4_0.gguf', 'o/m/m-Q8_0.gguf', 'o/split']);
  });

  test('two tags of one blob are one model, by the tag that says more', async () => {
    writeOllamaModel(ollama, 'llama3.2', 'latest', tiny);
    writeOllamaModel(ollama, 'llama3.2', '1b', tiny);
    expect(await names()).toEqual(['llama3.2:1b']);
  });

  test('a tokenizer that somebody fetched alone is no model; a dataset is none', async () => {
    writeHubModel(hub, 'o/tokenizer', { 'config.json': JSON.stringify(CODE_CONFIG), 'tokenizer.json': '{}' });
    mkdirSync(join(hub, 'datasets--o--d/snapshots'), { recursive: true });
    mkdirSync(join(hub, '.locks'));
    expect(await names()).toEqual([]);
  });

  test('a look ends after so many models or so much time, and says so', async () => {
    for (let model = 0; model < 8; model += 1) writeOllamaModel(ollama, `m${model}`, 'latest', tinyBytes(model));
    expect(await find({ forMs: 10_000, mostModels: 3 })).toMatchObject({ models: { length: 3 }, isCut: true });
    expect(await find({ forMs: 0, mostModels: 100 })).toMatchObject({ models: [], isCut: true });
  });
});

describe("the snapshot of Hugging Face's cache", () => {
  const other = 'f'.repeat(40);
  const model = { 'config.json': JSON.stringify(CODE_CONFIG), 'model.safetensors': tinySafetensors(), 'tokenizer.json': TINY_TOKENIZER };
  const rootOf = async (repository: string) => (await listCandidateFiles(repository))?.realPath.split('/').at(-1);
  const dated = (repository: string, commit: string, seconds: number) =>
    utimesSync(join(repository, 'snapshots', commit), seconds, seconds);

  test('is the one of refs/main', async () => {
    const repository = writeHubModel(hub, 'o/n', model);
    writeHubModel(hub, 'o/n', { ...model, 'new.txt': 'x' }, { commit: other, main: `${COMMIT}\n` });
    dated(repository, other, 2_000_000_000);
    expect(await rootOf(repository)).toBe(COMMIT);
    expect((await inspectCandidate(repository, false)).whole).toBe(true);
    expect((await listCandidateFiles(repository))?.files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
  });

  test.each([
    ['there is no refs/main', null],
    ['refs/main names none that is there', 'a'.repeat(40)],
    ['refs/main leads out', '../../../..'],
  ])('is the newest whole one where %s', async (_what, main) => {
    const repository = writeHubModel(hub, 'o/n', model, { main });
    writeHubModel(hub, 'o/n', { ...model, 'later.safetensors': 'x' }, { commit: other, main, dangling: ['later.safetensors'] });
    dated(repository, COMMIT, 1_000_000_000);
    dated(repository, other, 2_000_000_000);
    expect(await rootOf(repository)).toBe(COMMIT);
  });

  test('with a link to nothing is not whole, and says which', async () => {
    writeHubModel(hub, 'o/n', model, { dangling: ['model.safetensors'] });
    const [found] = (await find()).models;
    expect(found).toMatchObject({ name: 'o/n', whole: false, problem: expect.stringContaining('model.safetensors') });
  });

  test('a link that leads out of the store is refused by name', async () => {
    const repository = writeHubModel(hub, 'o/n', { 'config.json': model['config.json'] });
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync('../../../../secret', join(repository, 'snapshots', COMMIT, 'model.safetensors'));
    const [found] = (await find()).models;
    expect(found).toMatchObject({ whole: false, problem: expect.stringMatching(/link model\.safetensors leads out of the folder/) });
  });

  test('none yet: nothing to serve, and no error', async () => {
    mkdirSync(join(hub, 'models--o--n/snapshots'), { recursive: true });
    expect(await find()).toMatchObject({ models: [], problems: [] });
    expect((await inspectCandidate(join(hub, 'models--o--n'), false)).whole).toBe(false);
  });
});

describe("Ollama's manifests", () => {
  test.each<[string, string, RegExp]>([
    ['no JSON', '{"layers": [', /not JSON/],
    ['JSON that is nothing', 'null', /no list of layers/],
    ['no layers', '{"layers": {}}', /no list of layers/],
    ['no model', '{"layers": [{"mediaType": "application/vnd.ollama.image.params"}, null, 5]}', /no model file/],
    [
      'a digest that leads out',
      '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x"}]}',
      /not name its model by a SHA-256/,
    ],
  ])('%s: a sentence', async (_what, text, words) => {
    expect(readOllamaManifest(text)).toMatch(words);
    const manifest = writeOllamaModel(ollama, 'm', 'latest', tiny);
    writeFileSync(manifest, text);
    const [found] = (await find()).models;
    expect(found).toMatchObject({ name: 'm:latest', whole: false, problem: expect.stringMatching(words) });
  });

  test('a blob that is not there yet is named; one that is a link is refused', async () => {
    const manifest = writeOllamaModel(ollama, 'm', 'latest', tiny, false);
    const [missing] = (await find()).models;
    expect(missing).toMatchObject({ whole: false, problem: expect.stringContaining('blobs/sha256-') });
    writeFileSync(join(root, 'elsewhere'), tiny);
    symlinkSync('../../elsewhere', missing!.problem!.match(/\/\S+sha256-[0-9a-f]{64}/)![0]);
    expect((await listCandidateFiles(manifest))?.unreadable).toContain('not a regular file');
  });

  test('a manifest stands for its blob: read by its first bytes, without a suffix', async () => {
    const manifest = writeOllamaModel(ollama, 'm', 'latest', tiny);
    expect(await inspectCandidate(manifest, false)).toMatchObject({ whole: true, profile: { kind: 'chat', forms: [{ kind: 'gguf' }] } });
    const found = await listCandidateFiles(manifest);
    expect(found).toMatchObject({ kind: 'file', realPath: expect.stringMatching(/blobs\/sha256-[0-9a-f]{64}$/) });
    // And the blob by itself, as a person may name it.
    expect(await inspectCandidate(found!.realPath, false)).toMatchObject({ whole: true, profile: { forms: [{ kind: 'gguf' }] } });
  });
});

describe('folders that are not as they should be', () => {
  test('stores that are not there are no news', async () => {
    expect(await find()).toEqual({ models: [], problems: [], isCut: false });
  });

  test('a file in place of a folder, and links that lead out of a store', async () => {
    mkdirSync(join(ollama, 'manifests/registry.ollama.ai/library/m'), { recursive: true });
    writeFileSync(join(root, 'out.gguf'), tiny);
    symlinkSync(join(root, 'out.gguf'), join(ollama, 'manifests/registry.ollama.ai/library/m/latest'));
    writeLmStudioModel(studio, 'o/two', 'a.gguf', tiny);
    symlinkSync(join(root, 'out.gguf'), join(studio, 'o/two/b.gguf'));
    writeFileSync(hub, 'no folder');
    const { models, problems } = await find();
    expect(models.map(({ name }) => name)).toEqual(['o/two/a.gguf']);
    expect(problems).toEqual([expect.stringContaining('o/two/b.gguf leads out'), expect.stringContaining('library/m/latest leads out')]);
  });

  test('one that cannot be read is said', async () => {
    // Root may read what nobody may: a link to itself stands in.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) symlinkSync('hub', hub);
    else mkdirSync(hub, { mode: 0 });
    writeOllamaModel(ollama, 'm', 'latest', tiny);
    const { models, problems } = await find();
    expect(problems).toEqual([expect.stringContaining(isRoot ? 'links go in a circle' : 'lacks the permission')]);
    expect(models).toHaveLength(1);
    if (!isRoot) chmodSync(hub, 0o755);
  });

  test('the same store by two ways is looked at once', async () => {
    writeOllamaModel(ollama, 'm', 'latest', tiny);
    symlinkSync(ollama, join(root, 'again'));
    const { models } = await findModels(
      [
        { store: 'ollama', path: ollama },
        { store: 'ollama', path: join(root, 'again') },
      ],
      { forMs: 10_000, mostModels: 10 },
    );
    expect(models).toHaveLength(1);
    expect(statSync(join(root, 'again')).isDirectory()).toBe(true);
    renameSync(ollama, join(root, 'moved'));
  });
});
