/**
 * The command line of the embedded server: a subset of llama-server's flag names, so that a real llama-server can stand in for it.
 * Pure. An unknown flag is refused by name: silently dropping it would be a setting without effect (I13).
 */
import { ModeliumError } from '../../shared/errors.ts';

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
  readonly embeddings: boolean;
  /** Most tokens evaluated in one step. */
  readonly batchTokens: number;
}

/** llama-server's own default for the physical batch; the compute buffer grows with it. */
const DEFAULT_BATCH_TOKENS = 512;
const DEFAULT_CONTEXT_TOKENS = 4096;
const NUMBERS = ['--port', '--ctx-size', '--parallel', '--n-gpu-layers', '--threads', '--ubatch-size', '--batch-size'] as const;
const WORDS = ['--model', '--host', '--alias'] as const;
const SWITCHES = ['--embeddings'] as const;

function refuse(message: string): ModeliumError {
  return new ModeliumError('settings-invalid', `The embedded server: ${message}`);
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
  return {
    model,
    host: words.get('--host') ?? '127.0.0.1',
    port,
    alias: words.get('--alias') ?? model,
    totalContextTokens: Math.max(1, numbers.get('--ctx-size') ?? DEFAULT_CONTEXT_TOKENS),
    parallel: Math.max(1, numbers.get('--parallel') ?? 1),
    gpuLayers: numbers.get('--n-gpu-layers') ?? 0,
    threads: Math.max(1, numbers.get('--threads') ?? 1),
    embeddings: switches.has('--embeddings'),
    batchTokens: Math.max(1, numbers.get('--ubatch-size') ?? numbers.get('--batch-size') ?? DEFAULT_BATCH_TOKENS),
  };
}
