/**
 * The table of the verbs for models. The code of each verb is in a file of its own, imported when
 * the verb is called.
 */
import { LEVELS, type Level, toCount, toLevel, toLines, toTemperature, toTokens } from './option-values.ts';
import { JSON_OPTION, type Options, type Verb, type VerbOption, WIDE_OPTION } from './verb.ts';

const WRONG_USE = 2;

const CHAT_OPTIONS: readonly VerbOption[] = [
  { flags: '--system <text>', says: 'the system prompt, before the first message' },
  { flags: '--max-tokens <count>', says: 'the longest answer, in tokens', parse: toTokens, otherwise: 1024 },
  { flags: '--temperature <number>', says: 'from 0 (always the likeliest word) to 2', parse: toTemperature },
  JSON_OPTION,
];

function chatOptions(options: Options, prompt: string | undefined) {
  return {
    system: (options['system'] as string | undefined) ?? null,
    prompt: prompt ?? null,
    maxTokens: options['maxTokens'] as number,
    temperature: (options['temperature'] as number | undefined) ?? null,
  };
}

export const MODEL_VERBS: readonly Verb[] = [
  {
    usage: 'ls',
    says: 'list the models and their states',
    options: [WIDE_OPTION, JSON_OPTION],
    run: async (shared) => (await import('./ls.ts')).list(shared),
  },
  {
    usage: 'ps',
    says: 'list the loaded models: memory, tokens/s, and the time left until they are unloaded',
    options: [WIDE_OPTION, JSON_OPTION],
    run: async (shared) => (await import('./ps.ts')).ps(shared),
  },
  {
    usage: 'add [path]',
    says: 'serve a model file or folder without moving it',
    options: [
      { flags: '--found [names...]', says: 'list the models that other tools have on this machine, or add the named ones' },
      { flags: '--all', says: 'with --found: add all of them' },
      JSON_OPTION,
    ],
    examples: ['modelium add ~/Downloads/qwen3-8b-q4_k_m.gguf', 'modelium add --found'],
    run: async (shared, [path], options) => {
      const { found, all } = options;
      if (found !== undefined) {
        const names = Array.isArray(found) ? (found as string[]) : [];
        return (await import('./add-found.ts')).addFound(shared, path === undefined ? names : [path, ...names], all === true);
      }
      if (path !== undefined && all !== true) return (await import('./add.ts')).add(shared, path);
      process.stderr.write("error: give a path, or use --found for other tools' models\n");
      return WRONG_USE;
    },
  },
  {
    usage: 'forget <model>',
    says: 'take a model off the list; its files stay where they are',
    options: [JSON_OPTION],
    run: async (shared, [model = '']) => (await import('./forget.ts')).forget(shared, model),
  },
  {
    usage: 'load <model>',
    says: 'load a model, and follow it until it is ready',
    options: [
      { flags: '--wait', says: 'wait until it is ready (the default)' },
      { flags: '--no-wait', says: 'only request the load, do not wait' },
      { flags: '--force', says: 'load even if the files look incomplete or a retry is not due yet' },
      JSON_OPTION,
    ],
    examples: ['modelium load qwen3', 'modelium load qwen3 --no-wait'],
    run: async (shared, [model = ''], options) =>
      (await import('./load.ts')).load(shared, model, { wait: options['wait'] !== false, force: options['force'] === true }),
  },
  {
    usage: 'unload <model>',
    says: 'unload a model, and wait until its memory is free',
    options: [{ flags: '--force', says: 'cut requests in flight' }, JSON_OPTION],
    run: async (shared, [model = ''], options) => (await import('./unload.ts')).unload(shared, model, options['force'] === true),
  },
  {
    usage: 'pin <model>',
    says: 'keep a model loaded until a person unloads it',
    options: [{ flags: '--off', says: 'unpin it' }, JSON_OPTION],
    run: async (shared, [model = ''], options) => (await import('./pin.ts')).pin(shared, model, options['off'] !== true),
  },
  {
    usage: 'trust <model>',
    says: 'show the code of a model (or the programs that the given modelium.yaml names) and let it run here',
    options: [
      { flags: '--yes', says: 'do not ask; for scripts' },
      { flags: '--off', says: 'remove the trust' },
      { flags: '--show', says: "print the files' text too" },
      JSON_OPTION,
    ],
    run: async (shared, [model = ''], options) => {
      const given = { yes: options['yes'] === true, off: options['off'] === true, show: options['show'] === true };
      const { isSettingsFile, trustSettings } = await import('./trust-settings.ts');
      if (isSettingsFile(model)) return trustSettings(shared, model, given);
      return (await import('./trust.ts')).trust(shared, model, given);
    },
  },
  {
    usage: 'chat [model]',
    says: 'chat with a model; a question from a pipe is asked once',
    options: [{ flags: '-p, --prompt <text>', says: 'ask this once, then end' }, ...CHAT_OPTIONS],
    examples: ['modelium chat qwen3', 'cat notes.txt | modelium chat qwen3 --system "Sum up."'],
    run: async (shared, [model], options) =>
      (await import('./chat.ts')).chat(shared, model ?? null, chatOptions(options, options['prompt'] as string | undefined)),
  },
  {
    usage: 'run <model> [prompt]',
    says: 'ask a model once, or chat with it if no prompt is given',
    options: CHAT_OPTIONS,
    examples: ['modelium run qwen3 "Why is the sky blue?"'],
    run: async (shared, [model = '', prompt], options) => (await import('./chat.ts')).chat(shared, model, chatOptions(options, prompt)),
  },
  {
    usage: 'plan <target>',
    says: 'show what would happen to a folder, file or model, and why; changes nothing',
    options: [WIDE_OPTION, JSON_OPTION],
    examples: ['modelium plan ./my-model', 'modelium plan qwen3'],
    run: async (shared, [target = '']) => (await import('./plan.ts')).plan(shared, target),
  },
  {
    usage: 'why [model]',
    says: 'list the decisions, newest last, each with its reason',
    options: [
      { flags: '-n, --limit <count>', says: 'how many', parse: toCount, otherwise: 20 },
      { flags: '--details', says: 'also show how the figures were computed' },
      JSON_OPTION,
    ],
    run: async (shared, [model], options) =>
      (await import('./why.ts')).why(shared, model ?? null, { limit: options['limit'] as number, details: options['details'] === true }),
  },
  {
    usage: 'logs [model]',
    says: "print the log of a model's runtime; without a model, the engine's log",
    options: [
      { flags: '-f, --follow', says: 'keep printing new lines' },
      { flags: '-n, --lines <count>', says: 'print only this many last lines', parse: toLines },
      { flags: '--level <level>', says: `engine log only: lines of at least this level: ${LEVELS.join(', ')}`, parse: toLevel },
      JSON_OPTION,
    ],
    examples: ['modelium logs qwen3 -n 50 -f', 'modelium logs --level warning'],
    run: async (shared, [model], options) =>
      (await import('./logs.ts')).logs(shared, model ?? null, {
        follow: options['follow'] === true,
        lines: (options['lines'] as number | undefined) ?? null,
        level: (options['level'] as Level | undefined) ?? null,
      }),
  },
];
