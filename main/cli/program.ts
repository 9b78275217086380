/**
 * The verbs and their options. Each verb's work is in a file of its own, imported only when it is called: start-up time is a promise.
 * The only importer of `commander`.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../../shared/version.ts';
import { modeliumFolders } from '../io/folders.ts';
import { printError } from './output.ts';
import type { Shared } from './verb.ts';

const WRONG_USE = 2;

/** Runs one command line. @returns the exit code: 0, 1 (it failed), 2 (wrong use). */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = describeProgram((result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : WRONG_USE;
    printError(thrown);
    return 1;
  }
}

function describeProgram(finish: (code: number) => void): Command {
  const program = new Command('modelium')
    .description(
      'Drop a model: it is served by the right runtime, on the right GPU, with a reason you can read.\n\n' +
        'Without a verb it opens the window, where there are a display and an Electron; else it serves, and says why.',
    )
    .version(VERSION)
    .option('--state-folder <folder>', 'where the engine keeps its state, and is found', modeliumFolders().state)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('`modelium --help` lists the verbs.');
  /** Adds a verb; `run` answers its exit code. */
  const verb: AddVerb = (usage, description, run) => {
    const command = program.command(usage).description(description).exitOverride();
    return command.action(async (...given: unknown[]) => {
      const options = command.opts();
      const shared = { stateFolder: program.opts()['stateFolder'] as string, json: options['json'] === true };
      finish(await run(shared, given.slice(0, -2) as (string | undefined)[], options));
    });
  };
  addEngineVerbs(verb);
  addModelVerbs(verb);
  addChatVerb(verb);
  addQuestionVerbs(verb);
  program.action(async () => {
    if (program.args.length > 0) program.error(`error: unknown verb '${program.args[0]}'`);
    const { window } = await import('./window.ts');
    finish(await window(program.opts()['stateFolder'] as string));
  });
  return program.allowExcessArguments();
}

type Options = Readonly<Record<string, unknown>>;
type Run = (shared: Shared, given: readonly (string | undefined)[], options: Options) => Promise<number>;
type AddVerb = (usage: string, description: string, run: Run) => Command;

function addEngineVerbs(verb: AddVerb): void {
  verb('serve', 'run the engine here until Ctrl-C', async (shared, _, options) => {
    const { serve } = await import('./serve.ts');
    return serve({
      stateFolder: shared.stateFolder,
      config: options['config'] as string | undefined,
      port: options['port'] as number | undefined,
      host: options['host'] as string | undefined,
      watch: options['watch'] as string[] | undefined,
    });
  })
    .option('--config <file>', 'settings file; else ./modelium.yaml, else the one in your configuration folder')
    .option('--port <number>', 'port of the API, in place of api.port', toPort)
    .option('--host <address>', 'address of the API, in place of api.host')
    .option('--watch <folders...>', 'watch these folders, in place of the settings');
  verb('demo', 'fetch a small model, serve it in an engine of its own, ask it', async (_, __, options) => {
    const { demo } = await import('./demo.ts');
    return demo({ once: options['once'] === true, window: options['window'] as boolean | undefined });
  })
    .option('--once', 'end after the first answer; opens no window')
    .option('--window', 'open the window on it (what it does on a terminal, where it can)')
    .option('--no-window', 'open none');
  verb('init [path]', 'write a settings file to begin with: every key explained, nothing changed', async (shared, [path], options) =>
    (await import('./init.ts')).init({ path, force: options['force'] === true, json: shared.json }),
  )
    .option('--force', 'also over a file that is there')
    .addOption(jsonOption());
  verb(
    'import <path>',
    "what another tool's configuration (llama-swap) says, as a modelium.yaml; changes nothing",
    async (shared, [path = ''], options) => {
      const { importSettings, importTarget } = await import('./import.ts');
      const target = importTarget(options['write'] as string | boolean | undefined);
      return importSettings({ path, target, force: options['force'] === true, json: shared.json });
    },
  )
    .option('--write [file]', 'write it: to this file, or to your own modelium.yaml')
    .option('--force', 'also over a file that is there')
    .addOption(jsonOption());
  verb('check', 'what is installed here, and what to do about what is missing', async (shared, _, options) => {
    const { check } = await import('./check.ts');
    return check(shared, options['config'] as string | undefined);
  })
    .option('--config <file>', 'settings file to check')
    .addOption(jsonOption());
}

function addModelVerbs(verb: AddVerb): void {
  verb('ls', 'the models and their states', async (shared) => (await import('./ls.ts')).list(shared)).addOption(jsonOption());
  const add = verb('add [path]', 'serve a model file or folder where it lies', async (shared, [path], options) => {
    const { found, all } = options;
    if (found === undefined) {
      if (path === undefined || all === true) return add.error("error: name a path, or say --found for other tools' models");
      return (await import('./add.ts')).add(shared, path);
    }
    const names = Array.isArray(found) ? (found as string[]) : [];
    return (await import('./add-found.ts')).addFound(shared, path === undefined ? names : [path, ...names], all === true);
  });
  add
    .option('--found [names...]', 'models that other tools have on this machine: list them, or add those that are named')
    .option('--all', 'with --found: each of them')
    .addOption(jsonOption());
  verb('load <model>', 'load a model, and follow it until it is ready', async (shared, [model], options) =>
    (await import('./load.ts')).load(shared, model ?? '', { wait: options['wait'] !== false, force: options['force'] === true }),
  )
    .option('--wait', 'until it is ready (the default)')
    .option('--no-wait', 'only ask for it')
    .option('--force', 'also what looks half copied, and in spite of a back-off')
    .addOption(jsonOption());
  verb('unload <model>', 'unload a model, and wait until its memory is free', async (shared, [model], options) =>
    (await import('./unload.ts')).unload(shared, model ?? '', options['force'] === true),
  )
    .option('--force', 'cut requests in flight')
    .addOption(jsonOption());
  verb('pin <model>', 'keep a model loaded until a person unloads it', async (shared, [model], options) =>
    (await import('./pin.ts')).pin(shared, model ?? '', options['off'] !== true),
  )
    .option('--off', 'let it go again')
    .addOption(jsonOption());
  verb(
    'trust <model>',
    'show the code that a model brings, or the programs that a modelium.yaml names, and let them run here',
    async (shared, [model], options) => {
      const given = { yes: options['yes'] === true, off: options['off'] === true, show: options['show'] === true };
      const { isSettingsFile, trustSettings } = await import('./trust-settings.ts');
      if (isSettingsFile(model ?? '')) return trustSettings(shared, model ?? '', given);
      return (await import('./trust.ts')).trust(shared, model ?? '', given);
    },
  )
    .option('--yes', 'without asking; for scripts')
    .option('--off', 'take it back')
    .option('--show', "print the files' text too")
    .addOption(jsonOption());
}

function addChatVerb(verb: AddVerb): void {
  verb('chat [model]', 'talk with a model; a question through a pipe is asked once', async (shared, [model], options) =>
    (await import('./chat.ts')).chat(shared, model ?? null, {
      system: (options['system'] as string | undefined) ?? null,
      prompt: (options['prompt'] as string | undefined) ?? null,
      maxTokens: options['maxTokens'] as number,
      temperature: (options['temperature'] as number | undefined) ?? null,
    }),
  )
    .option('-p, --prompt <text>', 'ask this once, and end')
    .option('--system <text>', 'what the model is told first')
    .option('--max-tokens <count>', 'the longest answer', toTokens, 1024)
    .option('--temperature <number>', 'from 0, the likeliest words, to 2', toTemperature)
    .addOption(jsonOption());
}

function addQuestionVerbs(verb: AddVerb): void {
  verb('plan <target>', 'what would happen to a folder, file or model, and why; changes nothing', async (shared, [target]) =>
    (await import('./plan.ts')).plan(shared, target ?? ''),
  ).addOption(jsonOption());
  verb('why [model]', 'the decisions, newest last, each with its reason', async (shared, [model], options) =>
    (await import('./why.ts')).why(shared, model ?? null, options['limit'] as number),
  )
    .option('-n, --limit <count>', 'how many', toCount, 20)
    .addOption(jsonOption());
  verb('logs [model]', "a model's runtime in its own words; without a model, the engine's", async (shared, [model], options) =>
    (await import('./logs.ts')).logs(shared, model ?? null, options['follow'] === true),
  )
    .option('-f, --follow', 'go on with the lines that come')
    .addOption(jsonOption());
}

function jsonOption(): Option {
  return new Option('--json', 'print JSON');
}

function toPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}

function toCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 500) throw new InvalidArgumentError('Give a number from 1 to 500.');
  return count;
}

function toTokens(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1_000_000) throw new InvalidArgumentError('Give a number from 1 to 1000000.');
  return count;
}

function toTemperature(text: string): number {
  const temperature = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || temperature > 2) throw new InvalidArgumentError('Give a number from 0 to 2.');
  return temperature;
}
