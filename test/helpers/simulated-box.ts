/**
 * Makes a box with any number of simulated GPUs: a folder, and executable commands that follow each
 * other's memory through it.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Box, readBox, type SimulatedGpu, writeWhole } from '../fixtures/box.ts';

export interface SimulatedBox {
  readonly dir: string;
  /** For the setting gpus.nvidia_smi. */
  readonly nvidiaSmi: string;
  /** For the setting llama.command. */
  readonly runtimeCommand: string;
  /** For the setting vllm.command: a fake vLLM in an environment of its own. */
  readonly vllmCommand: string;
  /** The commands carry it themselves; for a program started another way. */
  readonly env: Readonly<Record<string, string>>;
  readonly uuids: readonly string[];
  /** Memory that other programs hold on a GPU, in MiB by process id. */
  setOthers(uuid: string, byPid: Readonly<Record<string, number>>): void;
  /** Memory that stays taken though its process is gone, in MiB. */
  setLeak(uuid: string, mib: number): void;
  /** Any other trait of the box. */
  update(change: Partial<Box>): void;
  remove(): void;
}

export interface SimulatedBoxOptions {
  readonly gpus: readonly (Partial<Omit<SimulatedGpu, 'totalMiB'>> & { readonly totalMiB: number })[];
  readonly slowFreeMs?: number;
  /** Flags that every runtime of this box gets before those of its launch: `['--ignore-term']`. */
  readonly runtimeFlags?: readonly string[];
}

/** A box in a new temporary folder; `remove()` deletes it. */
export function makeSimulatedBox(options: SimulatedBoxOptions): SimulatedBox {
  const dir = mkdtempSync(join(tmpdir(), 'modelium-box-'));
  const gpus = options.gpus.map((gpu, index) => ({
    uuid: `GPU-${String(index).padStart(8, '0')}-0000-4000-8000-000000000000`,
    name: `Simulated GPU ${gpu.totalMiB} MiB`,
    reservedMiB: 0,
    baseUsedMiB: 0,
    others: {},
    leakMiB: 0,
    ...gpu,
  }));
  const box: Box = { gpus, slowFreeMs: options.slowFreeMs ?? 0, hidesProcessMemory: false, foreignPids: false, broken: null };
  const boxFile = join(dir, 'box.json');
  writeWhole(boxFile, box);
  function change(next: (box: Box) => Box): void {
    writeWhole(boxFile, next(readBox(dir)));
  }
  function changeGpu(uuid: string, part: Partial<SimulatedGpu>): void {
    change((now) => ({ ...now, gpus: now.gpus.map((gpu) => (gpu.uuid === uuid ? { ...gpu, ...part } : gpu)) }));
  }
  return {
    dir,
    nvidiaSmi: writeCommand(dir, 'nvidia-smi.pl', [], join(dir, 'nvidia-smi')),
    runtimeCommand: writeCommand(dir, 'runtime.ts', options.runtimeFlags ?? [], join(dir, 'runtime')),
    vllmCommand: writeVllm(join(dir, 'venv'), dir),
    env: { MODELIUM_FIXTURE_DIR: dir },
    uuids: gpus.map((gpu) => gpu.uuid),
    setOthers: (uuid, others) => changeGpu(uuid, { others }),
    setLeak: (uuid, leakMiB) => changeGpu(uuid, { leakMiB }),
    update: (part) => change((now) => ({ ...now, ...part })),
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }),
  };
}

const REGISTRY = `
_TEXT_GENERATION_MODELS = {
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
}

_EMBEDDING_MODELS = {
    "BertModel": ("bert", "BertEmbeddingModel"),
}

_SEQUENCE_CLASSIFICATION_MODELS = {
    "BertForSequenceClassification": ("bert", "BertForSequenceClassification"),
}

_MULTIMODAL_MODELS = {
    "LlavaForConditionalGeneration": ("llava", "LlavaForConditionalGeneration"),
    "WhisperForConditionalGeneration": ("whisper", "WhisperForConditionalGeneration"),
}

_PREVIOUSLY_SUPPORTED_MODELS = {
    "Phi3SmallForCausalLM": "0.9.2",
}
`;

/**
 * A Python environment as far as anybody looks at it, with the fake vLLM in it.
 * @param version with `+cpu` it is one for processors.
 */
export function writeVllm(environment: string, dir: string, version = '0.32.0'): string {
  const packages = join(environment, 'lib/python3.11/site-packages');
  mkdirSync(join(packages, `vllm-${version}.dist-info`), { recursive: true });
  mkdirSync(join(packages, 'vllm/model_executor/models'), { recursive: true });
  writeFileSync(join(packages, `vllm-${version}.dist-info/METADATA`), `Metadata-Version: 2.1\nName: vllm\nVersion: ${version}\n`);
  writeFileSync(join(packages, 'vllm/model_executor/models/registry.py'), REGISTRY);
  mkdirSync(join(environment, 'bin'), { recursive: true });
  return writeCommand(dir, 'vllm/program.ts', [], join(environment, 'bin/vllm'));
}

/**
 * Where Node keeps what it made of the fixtures: they start by the hundred, and stripping their
 * types is most of a start.
 */
export const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/modelium-tests', import.meta.url));

/** A shell command that becomes the fixture program (exec: one process, one pid). */
function writeCommand(dir: string, name: string, flags: readonly string[], path: string): string {
  const program = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  const words = [name.endsWith('.pl') ? 'perl' : process.execPath, program, ...flags].map(quoted).join(' ');
  const variables = `MODELIUM_FIXTURE_DIR=${quoted(dir)} NODE_COMPILE_CACHE=${quoted(COMPILED)}`;
  writeFileSync(path, `#!/bin/sh\n${variables} exec ${words} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
