/**
 * Plans the tensors of the GGUF: for each its name, type and shape, and the source rows that it is
 * made of. Pure: it reads no weight. It refuses unknown tensors, because a model without one of its
 * tensors answers wrongly.
 */

import { type GgufArchitecture, kvHeadsIn } from '../../core/analyzer/convertible.ts';
import { type Config, headsOf } from '../../core/analyzer/huggingface-config.ts';
import { type GgufTensorShape, TENSOR_TYPES } from '../gguf/gguf-writer.ts';
import { ConvertError } from './convert-error.ts';
import type { TargetType } from './encode.ts';
import { type Placement, placementOf } from './names.ts';
import type { SourceTensor } from './source.ts';

/** Values of one source tensor that follow each other. */
export interface Piece {
  readonly tensor: SourceTensor;
  /** Number of the first value, and how many. */
  readonly from: number;
  readonly count: number;
}

export interface TargetTensor extends GgufTensorShape {
  readonly type: TargetType;
  /** What it is made of, in order; empty: `values` are it. */
  readonly pieces: readonly Piece[];
  readonly values: Float32Array | null;
  /** Heads whose rows change places; 0: none do. */
  readonly permutedHeads: number;
  /** The source has rows and columns the other way round. */
  readonly isTransposed: boolean;
  /** Added to every value. */
  readonly plus: number;
}

export interface TargetOptions {
  readonly architecture: GgufArchitecture;
  readonly config: Config;
  readonly type: TargetType;
  /** Rows at the beginning of the table of positions that stand for padding (RoBERTa). */
  readonly skippedPositions: number;
}

/**
 * Matrices that llama.cpp reads as floats: looked up by row, or so small that their precision
 * decides (the router of a mixture).
 */
const ALWAYS_FLOATS = /^(?:position_embd|token_types)\.|\.ffn_gate_inp\./;
/**
 * llama.cpp asks for an output matrix of its own there, also where it is the same as the
 * embeddings.
 */
const NEEDS_OUTPUT: ReadonlySet<GgufArchitecture> = new Set(['olmo2', 'qwen2moe']);

/** Far above any model's; a shape of no values may name any number (I7). */
const MOST_EXPERTS = 4096;

const PLAIN = { values: null, permutedHeads: 0, isTransposed: false, plus: 0 } as const;

interface Expert {
  readonly tensor: SourceTensor;
  readonly number: number;
}

/** @throws ConvertError for tensors that nobody knows, or that are there twice. */
export function targetsOf(tensors: readonly SourceTensor[], options: TargetOptions): readonly TargetTensor[] {
  const { architecture, config } = options;
  const targets = new Map<string, TargetTensor>();
  const experts = new Map<string, Expert[]>();
  const isTied = tied(config, architecture);
  for (const tensor of tensors) {
    const placement = placementOf(architecture, tensor.name);
    if (placement === undefined) {
      throw new ConvertError(`llama.cpp's ${architecture} has no tensor for ${tensor.name} (${tensor.shape.join(' x ')}).`);
    }
    if (placement === null || (isTied && placement.name === 'output.weight')) continue;
    if (placement.change === 'expert') {
      experts.set(placement.name, [...(experts.get(placement.name) ?? []), { tensor, number: placement.expert }]);
      continue;
    }
    for (const target of targetsFor(tensor, placement, options)) add(targets, target);
  }
  for (const [name, parts] of experts) add(targets, stacked(name, parts, options));
  const embeddings = targets.get('token_embd.weight');
  if (embeddings !== undefined && NEEDS_OUTPUT.has(architecture) && !targets.has('output.weight')) {
    add(targets, { ...embeddings, name: 'output.weight' });
  }
  return [...targets.values()];
}

/** A tensor that is not in the source, such as factors of positions. */
export function givenTensor(name: string, values: readonly number[]): TargetTensor {
  return { ...PLAIN, name, type: 'F32', shape: [values.length], pieces: [], values: Float32Array.from(values) };
}

function add(targets: Map<string, TargetTensor>, target: TargetTensor): void {
  if (targets.has(target.name)) throw new ConvertError(`Two tensors of the folder are ${target.name} of the GGUF.`);
  targets.set(target.name, target);
}

/**
 * Whether output and embeddings are one matrix, as config.json says or its class does where it does
 * not.
 */
export function tied(config: Config, architecture: GgufArchitecture): boolean {
  const named = config['tie_word_embeddings'];
  return typeof named === 'boolean' ? named : ['gemma', 'gemma2', 'gemma3', 'gpt2', 'smollm3'].includes(architecture);
}

function targetsFor(tensor: SourceTensor, { name, change }: Placement, options: TargetOptions): readonly TargetTensor[] {
  const { config } = options;
  const sizes = tensor.shape;
  if (sizes.includes(0))
    throw new ConvertError(`${tensor.name} is empty (${sizes.join(' x ')}): the weights were saved without their values.`);
  if (sizes.length === 0 || sizes.length > 3) throw new ConvertError(`${tensor.name} has ${sizes.length} dimensions; 1 to 3 are known.`);
  if (change === 'gate-up') return halves(tensor, name, options);
  const isVector = name.endsWith('ffn_gate_inp_shexp.weight');
  const skipped = name === 'position_embd.weight' ? options.skippedPositions : 0;
  const shape = isVector ? [elementsOf(sizes)] : change === 'transpose' ? [...sizes] : [...sizes].reverse();
  if (skipped > 0) shape[1] = Math.max(0, (shape[1] ?? 0) - skipped);
  const from = skipped * (shape[0] ?? 0);
  const heads = change === 'permute-queries' ? (headsOf(config) ?? 1) : change === 'permute-keys' ? kvHeadsIn(config) : 0;
  if (heads > 0 && (sizes[0] ?? 0) % (2 * heads) !== 0) {
    throw new ConvertError(`${tensor.name} has ${sizes[0]} rows, which ${heads} heads do not share in pairs.`);
  }
  const whole = { tensor, from, count: elementsOf(sizes) - from };
  return [
    {
      ...PLAIN,
      name,
      type: typeOf(name, shape, tensor, options.type),
      shape,
      pieces: [whole],
      permutedHeads: heads,
      isTransposed: change === 'transpose',
      plus: change === 'plus-one' ? 1 : 0,
    },
  ];
}

/**
 * Gate and up of all experts lie in one tensor, an expert after the other: [experts, gate rows then
 * up rows, columns].
 */
function halves(tensor: SourceTensor, gate: string, options: TargetOptions): readonly TargetTensor[] {
  const [experts, rows, columns] = tensor.shape;
  if (experts === undefined || rows === undefined || columns === undefined || rows % 2 !== 0 || experts > MOST_EXPERTS) {
    throw new ConvertError(`${tensor.name} is ${tensor.shape.join(' x ')}: gate and up of the experts cannot be told apart.`);
  }
  const half = (rows / 2) * columns;
  return [gate, gate.replace('ffn_gate_exps', 'ffn_up_exps')].map((name, second) => {
    const shape = [columns, rows / 2, experts];
    const pieces = Array.from({ length: experts }, (_, expert) => ({ tensor, from: (2 * expert + second) * half, count: half }));
    return { ...PLAIN, name, type: typeOf(name, shape, tensor, options.type), shape, pieces };
  });
}

function stacked(name: string, parts: readonly Expert[], options: TargetOptions): TargetTensor {
  const ordered = parts.toSorted((one, other) => one.number - other.number);
  const [first] = ordered;
  const shape = first?.tensor.shape ?? [];
  const isWhole = ordered.every(({ number, tensor }, place) => number === place && tensor.shape.join() === shape.join());
  const isOneType = ordered.every(({ tensor }) => tensor.type === first?.tensor.type);
  if (first === undefined || shape.length !== 2 || !isWhole || !isOneType) {
    throw new ConvertError(`The experts of ${name} are not all there, or not alike.`);
  }
  const target = [...shape].reverse();
  return {
    ...PLAIN,
    name,
    type: typeOf(name, target, first.tensor, options.type),
    shape: [...target, ordered.length],
    pieces: ordered.map(({ tensor }) => ({ tensor, from: 0, count: elementsOf(tensor.shape) })),
  };
}

/** Vectors stay floats; rows that blocks do not fill stay what they are. */
function typeOf(name: string, shape: readonly number[], tensor: SourceTensor, asked: TargetType): TargetType {
  if (shape.length === 1 || ALWAYS_FLOATS.test(name)) return 'F32';
  return (shape[0] ?? 0) % TENSOR_TYPES[asked].blockElements === 0 ? asked : tensor.type;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
