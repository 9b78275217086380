/** The reasons for which vLLM ends because of the model, the settings or its installation. Pure. */
import type { Reason } from './reason.ts';

/** In the order of trust. */
export const MODEL_REASONS: readonly Reason[] = [
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
      `vLLM no longer supports ${name}: version ${version} was the last one that did. Install that version in a separate environment and set vllm.command.`,
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
    sentence: ([, file]) => `${nameOf(file)} is not valid JSON. Correct it, or copy it from the original model.`,
  },
  {
    pattern:
      /Invalid repository ID or local directory specified|(?:does not appear to have a file named|Unrecognized model in) \S*(?:config\.json)?|HFValidationError: Repo id must be/,
    permanent: true,
    sentence: () => 'vLLM finds no readable config.json in the folder. Copy it from the original model.',
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
      `The settings ask for a context of ${wanted} tokens, but the model was made for ${most}. Lower models.NAME.context.`,
  },
  {
    pattern: /vllm: error: unrecognized arguments: (\S+)/,
    permanent: true,
    sentence: ([, flag]) => `This vLLM does not know the argument ${flag}. Correct vllm.args or models.NAME.args.`,
  },
  {
    pattern: /(?:vllm(?: serve)?|api_server\.py): error: (.*)/,
    permanent: true,
    sentence: ([, what]) => `vLLM refuses its arguments: ${what}. Correct vllm.args or models.NAME.args.`,
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
    sentence: ([, what]) =>
      `A file of the weights is damaged or cut off (${what}). ${/incomplete|not fully covered|too small|IoError/i.test(what ?? '') ? 'Bytes of it are missing: copy it again.' : 'Compare it with its original.'}`,
  },
  {
    pattern: /Cannot find any model weights with|no (?:safetensors|model) weights? found/i,
    permanent: true,
    sentence: () => 'The folder has no weights that vLLM can read. Copy the .safetensors files too.',
  },
  {
    pattern: /Sleep mode is not supported on current platform/,
    permanent: true,
    sentence: () => 'vLLM cannot sleep on this device: sleep works on GPUs only. Remove --enable-sleep-mode from vllm.args.',
  },
  {
    pattern: /(?:Total number of attention heads|num_attention_heads) \((\d+)\) must be divisible by tensor parallel size \((\d+)\)/,
    permanent: true,
    sentence: ([, heads, size]) =>
      `Its ${heads} attention heads cannot be divided among ${size} devices. Change --tensor-parallel-size, or models.NAME.gpus.`,
  },
  {
    pattern: /do(?:es)? not support `--(runner|convert) (\w+)`/,
    permanent: true,
    sentence: (match) => `The model cannot be run as ${match[2]} (--${match[1]}). Remove that from vllm.args or models.NAME.args.`,
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
    sentence: () => '--enable-auto-tool-choice needs --tool-call-parser beside it: add the parser of this model to models.NAME.args.',
  },
  {
    pattern: /(?:requires you to execute|contains custom code which must be executed|trust_remote_code=True)/,
    permanent: true,
    sentence: () => 'The model contains code, which vLLM runs only after you trust it: `modelium trust MODEL` shows it.',
  },
  {
    pattern: /Address already in use|EADDRINUSE/,
    sentence: () => 'Another program took the port at the same moment. The next attempt uses another port of vllm.port_range.',
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

/** Of a path only the name: the rest a person knows. */
const nameOf = (path: string | undefined): string => (path ?? '').split('/').at(-1) ?? '';
