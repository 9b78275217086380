/**
 * Why vLLM ended, in one sentence with its figures and a next step. Pure. Its last line is often only "See root cause above": the cause stands up to
 * 120 lines earlier, in the words of a worker. Each line here is one that vLLM 0.32 was heard to say (test/fixtures/vllm), or that stands in its source.
 */
import type { Exit } from '../../core/ports.ts';
import type { RetryRequest } from '../../core/retry-with.ts';
import type { Explanation } from '../adapter.ts';
import { killedSentence } from '../killed.ts';
import { bare, figure } from './words.ts';

interface Reason {
  readonly pattern: RegExp;
  readonly code?: Explanation['code'];
  /** No retry by itself would help. */
  readonly permanent?: boolean;
  readonly sentence: (match: RegExpExecArray) => string;
  readonly retryWith?: (match: RegExpExecArray, lines: readonly string[]) => RetryRequest | null;
}

const GPU_MEMORY =
  /Free memory on device (\S+) \(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired GPU memory utilization \(([\d.]+), ([\d.]+) GiB\)/;
const CPU_MEMORY =
  /Available memory on node (\d+) \(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired CPU memory utilization \(([\d.]+), ([\d.]+) GiB\)/;
const CONTEXT =
  /max seq len \((\d+)\),? \(?([\d.]+) GiB KV cache is needed, which is larger than the available KV cache memory \(([\d.]+) GiB\)(?:.*estimated maximum model length is (\d+))?/;
const LEAST_CONTEXT_TOKENS = 256;
const GIB = 1024 ** 3;
/** A cache that a first conversation fits into. */
const LEAST_CACHE_BYTES = GIB;

/** In the order of trust: the first pattern that any line matches explains the exit. */
const REASONS: readonly Reason[] = [
  {
    pattern: GPU_MEMORY,
    code: 'out-of-memory',
    sentence: ([, device, free, total, , wanted]) =>
      `Only ${free} of ${total} GiB were free on ${device} when vLLM started, and it was to have ${wanted} GiB. Free memory on that GPU, or give the model a smaller context (models.<id>.context).`,
    // What is free may go down a little until it starts again.
    retryWith: (match) => ({ kind: 'gpu-memory', bytes: Math.floor((figure(match, 2) ?? 0) * 0.97) }),
  },
  {
    pattern: CPU_MEMORY,
    code: 'out-of-memory',
    sentence: ([, node, free, total, share, wanted]) =>
      `vLLM was to have ${wanted} GiB (${share} of all) of main memory, and only ${free} of ${total} GiB were free on node ${node}. Free memory, or take --gpu-memory-utilization out of vllm.args.`,
  },
  {
    pattern: CONTEXT,
    code: 'out-of-memory',
    sentence: ([, wanted, needed, there, most]) =>
      `A context of ${wanted} tokens needs ${needed} GiB of cache, and ${there} GiB are left beside the weights${most === undefined ? '' : `: enough for ${most} tokens`}. Set a smaller models.<id>.context, or free memory.`,
    retryWith: ([, , , , most]) =>
      most !== undefined && Number(most) >= LEAST_CONTEXT_TOKENS ? { kind: 'context', contextTokens: Number(most) } : null,
  },
  {
    pattern: /Cannot auto-fit max_model_len: not enough (?:GPU )?memory available[^.]*\.?/i,
    code: 'out-of-memory',
    sentence: () =>
      'Beside the weights not even the smallest context has room. Free memory, take a smaller quantisation of it, or give it more GPUs (models.<id>.gpus).',
    retryWith: (_match, lines) => moreMemory(lines),
  },
  {
    pattern: /No available memory for the cache blocks/,
    code: 'out-of-memory',
    sentence: () =>
      'The weights and the work on them take all of the memory that vLLM was given, and leave none for the cache. Free memory, or take a smaller quantisation of it.',
    retryWith: (_match, lines) => moreMemory(lines),
  },
  {
    pattern: /Error in memory profiling\..*?Initial free memory ([\d.]+).*?current free memory ([\d.]+)/,
    sentence: ([, before, after]) =>
      `Another program gave memory of the GPU back while vLLM measured it (${before} GiB free before, ${after} GiB after), and vLLM then gives up.`,
    retryWith: () => ({ kind: 'again' }),
  },
  {
    pattern: /([\d.]+)\s*GiB\)? is less than requested memory for kv \(([\d.]+) GiB\)/,
    code: 'out-of-memory',
    permanent: true,
    sentence: ([, there, wanted]) =>
      `The cache was to have ${wanted} GiB, and there are ${there} GiB. Lower --kv-cache-memory-bytes in vllm.args or models.<id>.args.`,
  },
  {
    pattern: /requested memory for kv \(([\d.]+) GiB\)/,
    code: 'out-of-memory',
    permanent: true,
    sentence: ([, wanted]) =>
      `The cache was to have ${wanted} GiB, which are not there. Lower --kv-cache-memory-bytes in vllm.args or models.<id>.args.`,
  },
  {
    pattern: /torch\.(?:cuda\.)?OutOfMemoryError:?\s*(.*)|CUDA out of memory\.?(.*)|DefaultCPUAllocator: (?:can't|not enough)(.*)/,
    code: 'out-of-memory',
    sentence: (match) => `vLLM ran out of memory${wordsOf(match)}. Free memory, or give the model a smaller context (models.<id>.context).`,
  },
  {
    pattern: /Model architectures? \[?'?([\w.]+)'?\]? are not supported for now/,
    permanent: true,
    sentence: ([, name]) => `This vLLM does not know the architecture ${name}. A newer vLLM may; llama.cpp may serve a GGUF of it.`,
  },
  {
    pattern: /Model architectures? \['?([\w.]+)'?\] failed to be inspected/,
    permanent: true,
    sentence: ([, name]) =>
      `vLLM could not load its own code for ${name}: its installation is damaged or lacks a package. \`modelium logs\` shows which; reinstall vLLM.`,
  },
  {
    pattern: /Model architecture (\S+) was supported in vLLM until v([\d.]+\d)/,
    permanent: true,
    sentence: ([, name, version]) =>
      `vLLM has ${name} no more: version ${version} was the last one with it. Install that one into an environment of its own and set vllm.command.`,
  },
  {
    pattern: /Model architecture (\S+) is not supported in-tree anymore\. Please install the plugin at (\S+)/,
    permanent: true,
    sentence: ([, name, plugin]) => `vLLM needs a plugin for ${name}: ${plugin}. Install it into vLLM's environment.`,
  },
  {
    pattern: /has model type `([^`]+)` but Transformers does not recognize this architecture/,
    permanent: true,
    sentence: ([, type]) =>
      `The transformers library beside vLLM does not know the model type "${type}". Update transformers in vLLM's environment.`,
  },
  {
    pattern: /config file at '([^'{]+)' is not a valid JSON file/,
    permanent: true,
    sentence: ([, file]) => `${nameOf(file)} is no JSON. Copy it again.`,
  },
  {
    pattern:
      /Invalid repository ID or local directory specified|(?:does not appear to have a file named|Unrecognized model in) \S*(?:config\.json)?|HFValidationError: Repo id must be/,
    permanent: true,
    sentence: () => 'The folder has no config.json that vLLM can read, or is not there. Copy the whole folder again.',
  },
  {
    pattern: /Couldn't instantiate the backend tokenizer|Can't load tokenizer for|Unable to load tokenizer|tokenizer_file.*not found/,
    permanent: true,
    sentence: () => 'The folder has no tokenizer that can be read (tokenizer.json, tokenizer.model). Copy the tokenizer files too.',
  },
  {
    pattern: /max_model_len \((\d+)\) is greater than the derived max_model_len \(\S*?=?(\d+)/,
    permanent: true,
    sentence: ([, wanted, most]) =>
      `A context of ${wanted} tokens was asked for, and the model was made for ${most}. Lower models.<id>.context.`,
  },
  {
    pattern: /vllm: error: unrecognized arguments: (\S+)/,
    permanent: true,
    sentence: ([, flag]) => `This vLLM does not know the argument ${flag}. Mend vllm.args or models.<id>.args.`,
  },
  {
    pattern: /(?:vllm(?: serve)?|api_server\.py): error: (.*)/,
    permanent: true,
    sentence: ([, what]) => `vLLM refuses its arguments: ${what}. Mend vllm.args or models.<id>.args.`,
  },
  {
    pattern: /Weight files referenced in index but missing: \{([^}]*)\}/,
    permanent: true,
    sentence: ([, files]) =>
      `Files of the weights are missing: ${(files ?? '')
        .split(',')
        .map((file) => nameOf(file.replaceAll(/['\s]/g, '')))
        .join(', ')}. Copy them too.`,
  },
  {
    pattern: /SafetensorError: (.*)/,
    permanent: true,
    sentence: ([, what]) => `A file of the weights is damaged or cut off (${what}). Copy it again.`,
  },
  {
    pattern: /Cannot find any model weights with|no (?:safetensors|model) weights? found/i,
    permanent: true,
    sentence: () => 'The folder has no weights that vLLM can read. Copy the .safetensors files too.',
  },
  {
    pattern: /Sleep mode is not supported on current platform/,
    permanent: true,
    sentence: () => 'vLLM cannot sleep on this device: sleep works on GPUs only. Take --enable-sleep-mode out of vllm.args.',
  },
  {
    pattern: /(?:Total number of attention heads|num_attention_heads) \((\d+)\) must be divisible by tensor parallel size \((\d+)\)/,
    permanent: true,
    sentence: ([, heads, size]) =>
      `Its ${heads} attention heads cannot be shared out over ${size} devices. Change --tensor-parallel-size, or models.<id>.gpus.`,
  },
  {
    pattern: /do(?:es)? not support `--(runner|convert) (\w+)`/,
    permanent: true,
    sentence: (match) => `The model cannot be run as ${match[2]} (--${match[1]}). Take that out of vllm.args or models.<id>.args.`,
  },
  {
    pattern:
      /Unknown quantization method: ([\w-]+)|Invalid quantization method: ([\w-]+)|(bitsandbytes)[^.]*(?:plugin|not (?:found|supported|installed))/i,
    permanent: true,
    sentence: (match) =>
      `vLLM does not know the quantisation ${match[1] ?? match[2] ?? match[3]}, or needs a plugin for it. Take another quantisation of the model.`,
  },
  {
    pattern: /--enable-auto-tool-choice requires --tool-call-parser|Error: --enable-auto-tool-choice/,
    permanent: true,
    sentence: () => '--enable-auto-tool-choice needs --tool-call-parser beside it: add the parser of this model to models.<id>.args.',
  },
  {
    pattern: /(?:requires you to execute|contains custom code which must be executed|trust_remote_code=True)/,
    permanent: true,
    sentence: () => 'The model brings code of its own, which vLLM runs only once it is trusted: `modelium trust MODEL` shows it.',
  },
  {
    pattern: /Address already in use|EADDRINUSE/,
    sentence: () => 'Another program took the port in the same moment. Trying again takes another port; vllm.port_range sets which.',
  },
  {
    pattern: /(?:No CUDA GPUs are available|CUDA driver version is insufficient|Failed to infer device type|no NVIDIA driver)/i,
    permanent: true,
    sentence: ([what]) => `vLLM finds no GPU that it can use (${what}). Update the driver, or install the vLLM that fits it.`,
  },
  {
    pattern: /(?:No space left on device|Errno 28)/,
    sentence: () => 'The disk is full, where vLLM keeps what it compiles (~/.cache/vllm) or its temporary files. Free some space there.',
  },
  {
    pattern: /ModuleNotFoundError: No module named '([^']+)'|ImportError: (.*)/,
    permanent: true,
    sentence: (match) =>
      `vLLM's environment lacks ${match[1] === undefined ? match[2] : `the package ${match[1]}`}. Install it there, or reinstall vLLM.`,
  },
];

const DEAD_WORKER = /Worker proc (\S+) died unexpectedly \(exit code: (-?\d+)\)/;

/** More memory by what lacked, when vLLM says how much its cache would have had (a negative figure). */
function moreMemory(lines: readonly string[]): RetryRequest | null {
  const there = lines.map((line) => /Available KV cache memory: (-?[\d.]+) ?GiB/.exec(line)).findLast((match) => match !== null);
  const bytes = figure(there ?? null, 1);
  return bytes === null ? null : { kind: 'more-gpu-memory', bytes: Math.max(0, LEAST_CACHE_BYTES - bytes) };
}

function wordsOf(match: RegExpExecArray): string {
  const words = match.slice(1).find((part) => part !== undefined && part.trim() !== '');
  return words === undefined
    ? ''
    : ` (${words
        .trim()
        .replace(/[.\s]+$/, '')
        .slice(0, 160)})`;
}

/** Of a path only the name: the rest a person knows. */
function nameOf(path: string | undefined): string {
  return (path ?? '').split('/').at(-1) ?? '';
}

/** Why the process ended, with a next step. */
export function explainExit(exit: Exit, lines: readonly string[]): Explanation {
  const said = lines.map(bare);
  for (const { pattern, code = 'runtime-exited', permanent = false, sentence, retryWith } of REASONS) {
    for (const line of said) {
      const match = pattern.exec(line);
      if (match !== null) return { code, message: sentence(match), permanent, retryWith: retryWith?.(match, said) ?? null };
    }
  }
  const [, worker, code] = said.map((line) => DEAD_WORKER.exec(line)).find((match) => match !== null) ?? [];
  // One of its processes that was killed takes the others along: they end by themselves, with a code.
  const killed = killedPart(code === '-9' ? worker : undefined, exit, said);
  if (killed !== null) return { ...killedSentence(killed, exit), permanent: false, retryWith: null };
  if (worker !== undefined) {
    const message = `A worker of vLLM (${worker}) died with code ${code}. \`modelium logs\` shows its last words.`;
    return { code: 'runtime-exited', message, permanent: false, retryWith: null };
  }
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  return { code: 'runtime-exited', message: `vLLM ended ${how}. ${causeOf(said)}`, permanent: false, retryWith: null };
}

/** What of it was killed; null: nothing was. @param worker the one that vLLM says was. */
function killedPart(worker: string | undefined, exit: Exit, said: readonly string[]): string | null {
  if (worker !== undefined) return `a worker of vLLM (${worker})`;
  if (exit.signal === 'SIGKILL') return 'vLLM';
  return exit.outOfMemory === true && namedCause(said) === undefined ? 'a process of vLLM' : null;
}

/** The first error by name is the cause; what follows only wraps it. */
function namedCause(said: readonly string[]): string | undefined {
  return said.find((line) => /^\w*(?:Error|Exception): \S/.test(line) && !/Engine core initialization failed|EngineDeadError/.test(line));
}

function causeOf(said: readonly string[]): string {
  const dead = said.find((line) => /EngineDeadError|EngineCore encountered a fatal error/.test(line));
  const cause = namedCause(said);
  if (cause !== undefined) return `The cause, in its words: ${cause.trim().slice(0, 400)}`;
  if (dead !== undefined) return 'Its engine died while it served.';
  const last = said.findLast((line) => line.trim() !== '');
  return last === undefined ? 'It said nothing.' : `Its last words: ${last.trim().slice(0, 400)}`;
}
