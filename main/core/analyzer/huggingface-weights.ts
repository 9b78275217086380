/**
 * Counts the parameters and bytes of the tensors of a Hugging Face folder, and names their
 * quantisation. Pure. A packed tensor counts as the weights that it unpacks to; scales, zero points
 * and tables count as bytes, not as parameters.
 */
import type { ModelProfile } from '../../../shared/profile.ts';
import { type Config, count, part, text } from './huggingface-config.ts';
import { isObject } from './json.ts';
import type { SafetensorsTensor } from './safetensors.ts';

export type Weights = Pick<ModelProfile, 'parameters' | 'weightBytes' | 'weightBytesByType' | 'quantization'>;

interface Quantization {
  readonly method: string;
  /** Bits of a weight in a packed tensor; null where the method does not pack. */
  readonly bits: number | null;
  readonly label: string;
}

const TYPES: Readonly<Record<string, string>> = { F8_E4M3: 'FP8', F8_E5M2: 'FP8' };
/** What a quantisation needs beside the weights, by the end of the tensor's name. */
const BESIDE_WEIGHTS =
  /(?:\.|_)(?:scales?|scale_inv|weight_scale(?:_inv|_2)?|input_scale|output_scale|k_scale|v_scale|q_scale|act_scale|weight_global_scale|input_global_scale|weight_zero_point|input_zero_point|weight_shape|weight_g_idx|qzeros|zeros?|zero_point|g_idx|SCB|CB|weight_format|absmax|quant_map|nested_absmax|nested_quant_map|bitsandbytes__(?:nf4|fp4)|perm|invperm|codebooks|smooth_factor|(?:gate_up_proj|down_proj)_scales|activation_scale|s_group|s_channel)$/;
const PACKED = /(?:\.qweight|\.weight_packed|_blocks|\.W_q|_qweight)$/;
const WHOLE_NUMBERS = new Set(['I64', 'I32', 'I16', 'U64', 'U32', 'U16', 'BOOL', 'I8', 'U8']);
/**
 * Methods that store codes of groups of weights: nothing in the shapes tells how many weights those
 * are.
 */
const CODED = new Set(['aqlm', 'vptq', 'quip', 'exl2', 'exl3', 'higgs', 'spqr', 'trellis']);

export function weightsOf(config: Config, text_: Config, besides: Config, tensors: readonly SafetensorsTensor[]): Weights {
  const quantization = quantizationOf(config, text_, besides);
  const byType = new Map<string, number>();
  let parameters = 0;
  let weightBytes = 0;
  for (const tensor of tensors) {
    const type = TYPES[tensor.type] ?? tensor.type;
    byType.set(type, (byType.get(type) ?? 0) + tensor.bytes);
    weightBytes += tensor.bytes;
    parameters += parametersIn(tensor, quantization);
  }
  const ordered = [...byType].toSorted((one, other) => other[1] - one[1]);
  return {
    parameters: quantization !== null && CODED.has(quantization.method) ? null : parameters,
    weightBytes,
    weightBytesByType: Object.fromEntries(ordered),
    quantization: quantization?.label ?? ordered[0]?.[0] ?? null,
  };
}

function parametersIn({ name, type, elements }: SafetensorsTensor, quantization: Quantization | null): number {
  if (quantization === null) return WHOLE_NUMBERS.has(type) ? 0 : elements;
  if (BESIDE_WEIGHTS.test(name)) return 0;
  const { bits, method } = quantization;
  if (type === 'I32' || type === 'U32') return PACKED.test(name) && bits !== null ? elements * Math.floor(32 / bits) : 0;
  // 4-bit weights of bitsandbytes, MXFP4 and NVFP4: two in a byte.
  if (type === 'U8') return elements * (bits === null ? 1 : Math.max(1, Math.floor(8 / bits)));
  if (type === 'I8')
    return method === 'bitsandbytes' || method === 'compressed-tensors' || bits === 8 ? elements : elements * perByte(bits);
  return WHOLE_NUMBERS.has(type) ? 0 : elements;
}

function perByte(bits: number | null): number {
  return bits === null ? 1 : Math.max(1, Math.floor(8 / bits));
}

/**
 * @param besides hf_quant_config.json, which older ModelOpt exports have instead of an entry in
 * config.json.
 */
function quantizationOf(config: Config, text_: Config, besides: Config): Quantization | null {
  const places = [config, text_].flatMap((each) => [
    part(each, 'quantization_config'),
    part(each, 'compression_config'),
    part(each, 'quantization'),
  ]);
  const found = [...places, part(besides, 'quantization')].find((place) => Object.keys(place).length > 0);
  return found === undefined ? null : described(found);
}

/** Whether the weights are codes of others. @param besides as in `weightsOf`. */
export function isQuantized(config: Config, besides: Config): boolean {
  return quantizationOf(config, config, besides) !== null;
}

function described(found: Config): Quantization | null {
  const algorithm = text(found, 'quant_algo');
  const method = text(found, 'quant_method') ?? (algorithm === null ? methodByKeys(found) : 'modelopt');
  if (method === null) return null;
  if (method === 'bitsandbytes') {
    const isFour = found['load_in_4bit'] === true || found['_load_in_4bit'] === true;
    const kind = isFour ? `${text(found, 'bnb_4bit_quant_type') ?? 'fp4'} 4-bit` : '8-bit';
    return { method, bits: isFour ? 4 : 8, label: `bitsandbytes ${kind}` };
  }
  if (method === 'compressed-tensors' || method === 'quark') return { method, ...compressed(found, method) };
  if (method === 'mxfp4') return { method, bits: 4, label: 'MXFP4' };
  if (method === 'modelopt' || method === 'modelopt_fp4') {
    const name = algorithm ?? (method === 'modelopt_fp4' ? 'NVFP4' : 'FP8');
    const bits = /FP4|W4|INT4/i.test(name) ? 4 : 8;
    return { method, bits, label: `ModelOpt ${name}` };
  }
  if (method === 'fp8' || method === 'fbgemm_fp8') return { method, bits: 8, label: 'FP8' };
  const bits = count(found, 'bits', 'w_bit', 'nbits', 'num_bits') ?? bitsOfParts(found);
  const name = NAMES[method] ?? method;
  return { method, bits: bits === 0 ? null : bits, label: bits === null ? name : `${name} ${bits}-bit` };
}

const NAMES: Readonly<Record<string, string>> = {
  awq: 'AWQ',
  gptq: 'GPTQ',
  gptqmodel: 'GPTQ',
  gptq_marlin: 'GPTQ',
  hqq: 'HQQ',
  aqlm: 'AQLM',
  'auto-round': 'AutoRound',
  'intel/auto-round': 'AutoRound',
  torchao: 'torchao',
  eetq: 'EETQ 8-bit',
  exl2: 'EXL2',
  exl3: 'EXL3',
  bitnet: 'BitNet',
};

/** Older saves leave the method out; MLX writes only bits and group. */
function methodByKeys(found: Config): string | null {
  if (found['load_in_4bit'] === true || found['load_in_8bit'] === true) return 'bitsandbytes';
  return count(found, 'bits') !== null && count(found, 'group_size') !== null ? 'mlx' : null;
}

/** HQQ and others keep the bits one or two levels down. */
function bitsOfParts(found: Config): number | null {
  for (const value of Object.values(found)) {
    if (!isObject(value)) continue;
    const bits = count(value, 'bits', 'nbits', 'num_bits') ?? count(part(value, 'weight_quant_params'), 'nbits');
    if (bits !== null) return bits;
  }
  return null;
}

/**
 * The groups of compressed-tensors and Quark: bits and kind of number of the first one that says
 * something of weights.
 */
function compressed(found: Config, method: string): Pick<Quantization, 'bits' | 'label'> {
  const groups = [...Object.values(part(found, 'config_groups')), found['global_quant_config'], found['layer_quant_config']];
  for (const group of groups) {
    const weights = isObject(group) ? part(group, isObject(group['weights']) ? 'weights' : 'weight') : {};
    const type = text(weights, 'type') ?? text(weights, 'dtype') ?? 'int';
    const bits = count(weights, 'num_bits') ?? (Number(/(\d+)$/.exec(type)?.[1] ?? 0) || null);
    if (bits === null) continue;
    const isFloat = /fp|float/i.test(type);
    const isPacked = text(found, 'format')?.includes('pack') ?? bits < 8;
    return { bits: isPacked || bits < 8 ? bits : 8, label: `${method} ${isFloat ? 'FP' : 'INT'}${bits}` };
  }
  return { bits: null, label: method };
}
