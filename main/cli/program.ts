/**
 * Builds the command line from the tables of verbs: parsing, help, exit codes. The code of a verb
 * is imported only when that verb is called, to keep the start fast. The only importer of
 * `commander`.
 */
import { Command, CommanderError } from 'commander';
import { nearestNames } from '../../shared/nearest.ts';
import { VERSION } from '../../shared/version.ts';
import { harmless } from '../../shared/visible.ts';
import { modeliumFolders } from '../io/folders.ts';
import { printError } from './output.ts';
import type { Verb } from './verb.ts';
import { ENGINE_VERBS } from './verbs-engine.ts';
import { MODEL_VERBS } from './verbs-models.ts';

const WRONG_USE = 2;
/** It is about the others. */
const COMPLETION: readonly Verb[] = [
  {
    usage: 'completion <shell>',
    says: 'print the completion script for bash, zsh or fish',
    examples: ['source <(modelium completion bash)', 'modelium completion fish > ~/.config/fish/completions/modelium.fish'],
    run: async (_, [shell = '']) => (await import('./completion.ts')).completion(shell, VERBS),
  },
  {
    usage: 'names',
    says: 'the names of all models, a line each',
    isHidden: true,
    run: async (shared) => (await import('./completion.ts')).names(shared),
  },
];
const VERBS: readonly Verb[] = [...ENGINE_VERBS, ...MODEL_VERBS, ...COMPLETION];

const EXAMPLES = [
  ['modelium serve --watch ~/models', 'serve the models in a folder, also new ones'],
  ['modelium add ~/Downloads/qwen3-8b.gguf', 'serve one file without moving it'],
  ['modelium run qwen3 "Why is the sky blue?"', "ask; a name's beginning is enough"],
  ['modelium ps', 'what is loaded, how fast, for how long'],
  ['modelium why qwen3', 'why the model is on its GPU'],
] as const;

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
        'Without a verb it opens the window if there is a display and Electron; otherwise it serves and says why.',
    )
    .version(VERSION)
    .option('--state-folder <folder>', 'state folder of the engine; clients find the engine by it', modeliumFolders().state)
    .exitOverride()
    // Its errors repeat words of the command line, which a terminal must not obey.
    .configureOutput({
      writeOut: (text) => void process.stdout.write(harmless(text)),
      writeErr: (text) => void process.stderr.write(harmless(text)),
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('`modelium --help` lists the verbs.');
  for (const verb of VERBS) addVerb(program, verb, finish);
  program.addHelpText('after', `\nExamples:\n${EXAMPLES.map(([line, says]) => `  ${line.padEnd(41)} ${says}`).join('\n')}`);
  program.action(async () => {
    const [verb] = program.args;
    if (verb !== undefined) program.error(`error: unknown verb '${verb}'${didYouMean(verb)}`);
    const { window } = await import('./window.ts');
    finish(await window(program.opts()['stateFolder'] as string));
  });
  return program.allowExcessArguments();
}

function addVerb(
  program: Command,
  { usage, says, options = [], examples = [], isHidden = false, run }: Verb,
  finish: (code: number) => void,
): void {
  const command = program.command(usage, { hidden: isHidden }).description(says).exitOverride();
  const [name] = usage.split(' ');
  const [example] = examples;
  command.showHelpAfterError(`${example === undefined ? '' : `For example: ${example}\n`}\`modelium ${name} --help\` explains it.`);
  for (const { flags, says: about, parse, otherwise } of options) {
    if (parse === undefined) command.option(flags, about);
    else command.option(flags, about, parse, otherwise);
  }
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  command.action(async (...given: unknown[]) => {
    const chosen = command.opts();
    const stateFolder = program.opts()['stateFolder'] as string;
    const shared = { stateFolder, json: chosen['json'] === true, wide: chosen['wide'] === true };
    finish(await run(shared, given.slice(0, -2) as (string | undefined)[], chosen));
  });
}

function didYouMean(word: string): string {
  const known = VERBS.filter(({ isHidden }) => isHidden !== true).map(({ usage }) => usage.split(' ')[0] ?? '');
  const near = nearestNames(word, known);
  return near.length === 0 ? '' : `\nDid you mean ${near.join(' or ')}?`;
}
