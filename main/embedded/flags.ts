/**
 * The command line of the embedded server: a subset of llama-server's flag names, so that a real
 * llama-server can stand in for it. Pure. An unknown flag is refused by name: silently dropping it
 * would be a setting without effect (I13).
 */
import { ModeliumError } from '../../shared/errors.ts';
import { CACHE_TYPES, type CacheType, type Purpose } from './llama/purpose.ts';

export interface ServerFlags {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  /** The name that answers carry. */
  readonly alias: string;
  /** Tokens of all sequences together, as llama-server counts. */
  readonly totalContextTokens: number;
  readonly parallel: number;
  readonly gpuLayers: number;
  readonly threads: number;
  readonly purpose: Purpose;
  /** Most tokens evaluated in one step. */
  readonly batchTokens: number;
  readonly cacheTypes: { readonly keys: CacheType; readonly values: CacheType };
  readonly flashAttention: 'auto' | boolean;
}

/** llama-server's own default for the physical batch; the compute buffer grows with it. */
const DEFAULT_BATCH_TOKENS = 512;
const DEFAULT_CONTEXT_TOKENS = 4096;
const NUMBERS = ['--port', '--ctx-size', '--parallel', '--n-gpu-layers', '--threads', '--ubatch-size', '--batch-size'] as const;
const WORDS = ['--model', '--host', '--alias', '--cache-type-k', '--cache-type-v', '--flash-attn'] as const;
const SWITCHES = ['--embeddings', '--reranking'] as const;
/**
 * Flags of llama-server that node-llama-cpp has no option for; llama.cpp then spreads the layers
 * over the GPUs by their free memory.
 */
const SPLITTING = ['--tensor-split', '--split-mode', '--main-gpu'];
const FLASH: Readonly<Record<string, 'auto' | boolean>> = { auto: 'auto', on: true, off: false };

function refuse(message: string): ModeliumError {
  return new ModeliumError('settings-invalid', `The embedded server: ${message}`);
}

function cacheType(words: ReadonlyMap<string, string>, flag: string): CacheType {
  const name = words.get(flag) ?? 'f16';
  const type = CACHE_TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  throw refuse(`${flag} needs one of ${CACHE_TYPES.join(', ')}, not "${name}".`);
}

/**
 * @param args the arguments after the program's name.
 * @throws ModeliumError settings-invalid, with the flag's name.
 */
export function parseFlags(args: readonly string[]): ServerFlags {
  const words = new Map<string, string>();
  const numbers = new Map<string, number>();
  const switches = new Set<string>();
  for (let index = 0; index < args.length; index++) {
    const flag = args[index] ?? '';
    if (SWITCHES.some((known) => known === flag)) {
      switches.add(flag);
      continue;
    }
    const isNumber = NUMBERS.some((known) => known === flag);
    if (SPLITTING.includes(flag)) {
      throw refuse(
        `it does not support ${flag}, because it divides layers by the free memory of the allowed GPUs. Choose them with models.NAME.gpus, or set llama.command to a llama-server.`,
      );
    }
    if (!isNumber && !WORDS.some((known) => known === flag)) {
      throw refuse(`it does not know the flag ${flag}. It knows ${[...WORDS, ...NUMBERS, ...SWITCHES].join(', ')}.`);
    }
    index += 1;
    const value = args[index];
    if (value === undefined) throw refuse(`${flag} needs a value.`);
    if (!isNumber) words.set(flag, value);
    else if (/^\d{1,9}$/.test(value)) numbers.set(flag, Number(value));
    else throw refuse(`${flag} needs a whole number, not "${value}".`);
  }
  const model = words.get('--model');
  const port = numbers.get('--port');
  if (model === undefined) throw refuse('--model PATH is missing.');
  if (port === undefined || port > 65_535) throw refuse('--port N (0 to 65535) is missing.');
  const flash = FLASH[words.get('--flash-attn') ?? 'auto'];
  if (flash === undefined) throw refuse('--flash-attn needs on, off or auto.');
  if (switches.size > 1) throw refuse('--embeddings and --reranking exclude each other.');
  return {
    model,
    host: words.get('--host') ?? '127.0.0.1',
    port,
    alias: words.get('--alias') ?? model,
    totalContextTokens: Math.max(1, numbers.get('--ctx-size') ?? DEFAULT_CONTEXT_TOKENS),
    parallel: Math.max(1, numbers.get('--parallel') ?? 1),
    gpuLayers: numbers.get('--n-gpu-layers') ?? 0,
    threads: Math.max(1, numbers.get('--threads') ?? 1),
    purpose: switches.has('--embeddings') ? 'embedding' : switches.has('--reranking') ? 'ranking' : 'generation',
    batchTokens: Math.max(1, numbers.get('--ubatch-size') ?? numbers.get('--batch-size') ?? DEFAULT_BATCH_TOKENS),
    cacheTypes: { keys: cacheType(words, '--cache-type-k'), values: cacheType(words, '--cache-type-v') },
    flashAttention: flash,
  };
}
