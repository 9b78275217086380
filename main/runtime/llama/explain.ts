/**
 * Interprets the output of a llama.cpp process: its progress while it loads, and why it ended.
 * Pure.
 */
import type { Exit } from '../../core/process-ports.ts';
import type { RetryRequest } from '../../core/retry-with.ts';
import type { Explanation, Progress } from '../adapter.ts';
import { killedSentence } from '../killed.ts';

/** Below this a smaller context is no longer worth trying. */
const LEAST_CONTEXT_TOKENS = 1024;

/** What a line tells of the load; null: nothing. */
export function progressOf(line: string): Progress | null {
  const percent = /^modelium: loading (\d+) %$/.exec(line);
  if (percent !== null) return { phase: 'reading weights', progress: Number(percent[1]) / 100 };
  if (/load_tensors: loading model tensors/.test(line)) return { phase: 'reading weights', progress: null };
  if (/llama_context: constructing|llama_kv_cache.*: size =/.test(line)) return { phase: 'making the context', progress: null };
  if (/warming up the model/.test(line)) return { phase: 'warming up', progress: null };
  return null;
}

interface Reason {
  readonly pattern: RegExp;
  readonly code: Explanation['code'];
  readonly permanent: boolean;
  readonly sentence: (match: RegExpExecArray) => string;
}

/** In the order of trust: the first pattern that any line matches explains the exit. */
const REASONS: readonly Reason[] = [
  {
    pattern:
      /cudaMalloc failed: out of memory|CUDA error: out of memory|ErrorOutOfDeviceMemory|ErrorOutOfHostMemory|failed to allocate .*buffer|unable to allocate .*buffer|std::bad_alloc|Cannot allocate memory|JavaScript heap out of memory/i,
    code: 'out-of-memory',
    permanent: false,
    sentence: (match) => `llama.cpp ran out of memory (${match[0]}). Free memory, or set a smaller models.NAME.context.`,
  },
  {
    pattern: /GGML_ASSERT\(.*/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) =>
      `llama.cpp stopped at an internal check: ${match[0]}. The file is probably damaged, or of a kind that this version does not know: compare it with its original, or get another one.`,
  },
  {
    pattern: /unknown model architecture: '?([^']*)'?/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) => `This llama.cpp does not know the architecture "${match[1]}". A newer version may.`,
  },
  {
    pattern: /does not know the flag (\S+?)\.? |error: invalid argument: (\S+)/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) => `The server does not know the argument ${match[1] ?? match[2]}. Correct llama.args or models.NAME.args.`,
  },
  {
    pattern: /EADDRINUSE|couldn't bind|address already in use/i,
    code: 'runtime-exited',
    permanent: false,
    sentence: () => 'Another program took the port at the same moment. The next attempt uses another port of llama.port_range.',
  },
  {
    pattern: /error while loading shared libraries: ([^:\s]+)|(\S+\.so[.\d]*): cannot open shared object file/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) => `The library ${match[1] ?? match[2]} is missing. Install it; \`modelium check\` names what is needed.`,
  },
  {
    pattern: /NoBinaryFoundError|ERR_DLOPEN_FAILED|A prebuilt binary was not found/,
    code: 'runtime-exited',
    permanent: true,
    sentence: () =>
      'llama.cpp has no binary for this system. Reinstall the packages here (npm ci), or set llama.command to a llama-server.',
  },
  {
    pattern: /error loading model: (.*)/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) =>
      `llama.cpp cannot load the file: ${match[1]}. ${/not within the file bounds|truncated|failed to read|unexpectedly reached/.test(match[1] ?? '') ? 'Bytes of it are missing: copy it again.' : 'Copying it again would not help: another version of llama.cpp (llama.command) or another file of the model may.'}`,
  },
  {
    pattern: /modelium: cannot load [^|]*/,
    code: 'runtime-exited',
    permanent: true,
    sentence: (match) =>
      `${match[0].replace('modelium: c', 'C').trim()}. Another version of llama.cpp (llama.command) or another file of the model may load.`,
  },
];

/** Half the context of each sequence, where the memory for the context was what lacked. */
function smallerContext(lines: readonly string[]): RetryRequest | null {
  const context = lines.map((line) => /n_ctx_seq\s+= (\d+)/.exec(line)?.[1]).findLast((tokens) => tokens !== undefined);
  const half = Math.floor(Number(context ?? 0) / 2);
  // Without that line the weights did not fit, and no context is small enough.
  return half >= LEAST_CONTEXT_TOKENS ? { kind: 'context', contextTokens: half } : null;
}

/** Why the process ended, with a next step. */
export function explainExit(exit: Exit, lines: readonly string[]): Explanation {
  for (const { pattern, code, permanent, sentence } of REASONS) {
    for (const line of lines) {
      const match = pattern.exec(line);
      if (match === null) continue;
      return { code, message: sentence(match), permanent, retryWith: code === 'out-of-memory' ? smallerContext(lines) : null };
    }
  }
  if (exit.signal === 'SIGKILL') {
    return { ...killedSentence('llama.cpp', exit), permanent: false, retryWith: exit.outOfMemory ? smallerContext(lines) : null };
  }
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  const last = lines.findLast((line) => line.trim() !== '');
  const words = last === undefined ? 'It printed nothing.' : `Its last output: ${last.trim()}`;
  return { code: 'runtime-exited', message: `llama.cpp ended ${how}. ${words}`, permanent: false, retryWith: null };
}
