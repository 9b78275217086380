/**
 * `modelium completion`: writes the shell scripts that complete verbs, options, model names and
 * files. They are built from the same tables as the help.
 */
import { connect } from '../client.ts';
import { LEVELS } from './option-values.ts';
import { print, printAside, printText } from './output.ts';
import type { Shared, Verb } from './verb.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];
/** Words that an argument may be, where they are no names. */
const WORDS: Readonly<Record<string, readonly string[]>> = { shell: SHELLS, action: ['install', 'uninstall', 'status'] };

const WRONG_USE = 2;

export async function completion(shell: string, verbs: readonly Verb[]): Promise<number> {
  const known = SHELLS.find((one) => one === shell);
  if (known === undefined) {
    printAside(`error: there is no completion for ${shell}: it is made for ${SHELLS.join(', ')}`);
    return WRONG_USE;
  }
  printText(completionScript(known, verbs));
  return 0;
}

/** For the scripts: silent where no engine runs. */
export async function names({ stateFolder }: Shared): Promise<number> {
  const engine = await connect(stateFolder).catch(() => null);
  const models = engine === null ? [] : (await engine.get<'snapshot'>('/control/snapshot')).models;
  for (const { id } of models) print(id);
  return 0;
}

export function completionScript(shell: Shell, verbs: readonly Verb[]): string {
  const shown = verbs.filter(({ isHidden }) => isHidden !== true).map(described);
  return shell === 'fish'
    ? fish(shown)
    : shell === 'bash'
      ? bash(shown)
      : `#compdef modelium\n(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }\nautoload -U +X bashcompinit && bashcompinit\n${bash(shown)}`;
}

interface Described {
  readonly name: string;
  readonly says: string;
  readonly flags: readonly string[];
  /** What its first argument is; null: it takes none. */
  readonly takes: 'model' | 'file' | readonly string[] | null;
}

function described({ usage, says, options = [] }: Verb): Described {
  const [name = '', first = ''] = usage.split(' ');
  const argument = first.replace(/[^\w]/g, '');
  const takes = argument === '' ? null : argument === 'model' ? 'model' : (WORDS[argument] ?? 'file');
  const flags = options.flatMap((option) => /--[\w-]+/.exec(option.flags) ?? []);
  return { name, says, flags: [...flags, '--help'], takes };
}

/** Also zsh's, which runs it as it is. */
function bash(verbs: readonly Described[]): string {
  const cases = verbs.map(({ name, flags, takes }) => {
    const words = takes === 'model' ? '$(modelium names 2>/dev/null)' : takes === 'file' || takes === null ? '' : takes.join(' ');
    const files = takes === 'file' ? '; COMPREPLY+=( $(compgen -f -- "$word") )' : '';
    return `    ${name}) if [[ $word == -* ]]; then words="${flags.join(' ')}"; else words="${words}"; fi; COMPREPLY=( $(compgen -W "$words" -- "$word") )${files} ;;`;
  });
  return [
    '_modelium() {',
    `  local word="${'$'}{COMP_WORDS[COMP_CWORD]}" words`,
    '  COMPREPLY=()',
    `  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=( $(compgen -W "${verbs.map(({ name }) => name).join(' ')} --help --version" -- "$word") ); return; fi`,
    `  if [[ "${'$'}{COMP_WORDS[COMP_CWORD-1]}" == --level ]]; then COMPREPLY=( $(compgen -W "${LEVELS.join(' ')}" -- "$word") ); return; fi`,
    `  case "${'$'}{COMP_WORDS[1]}" in`,
    ...cases,
    '  esac',
    '}',
    'complete -o filenames -F _modelium modelium',
  ].join('\n');
}

function fish(verbs: readonly Described[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const lines = verbs.flatMap(({ name, says, flags, takes }) => {
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    const argument =
      takes === 'model'
        ? `-f -a '(modelium names 2>/dev/null)'`
        : takes === 'file'
          ? '-F'
          : takes === null
            ? '-f'
            : `-f -a ${quoted(takes.join(' '))}`;
    return [
      `complete -c modelium -f -n __fish_use_subcommand -a ${name} -d ${quoted(says)}`,
      `complete -c modelium ${when} ${argument}`,
      ...flags.map((flag) => `complete -c modelium ${when} -l ${flag.slice(2)}`),
    ];
  });
  return lines.join('\n');
}
