/** Which words of a launch must not stand in what its process prints. Pure. */

import { isSecretName } from '../../shared/redact.ts';

/** Shorter words stand in many lines by chance. */
const LEAST_CHARACTERS = 8;

export interface LaunchSecrets {
  /** Secrets by the names of their variables or flags: nobody sees them. */
  readonly secrets: readonly string[];
  /**
   * All values of variables, and those of the arguments that the settings add: whoever may ask the
   * model does not see them in an error.
   */
  readonly values: readonly string[];
}

/**
 * @param args of the process; @param env its variables.
 * @param settings whose `args`, wherever they stand, are a person's own.
 */
export function launchSecrets(args: readonly string[], env: Readonly<Record<string, string>>, settings: object = {}): LaunchSecrets {
  const variables = Object.entries(env);
  const secrets = [
    ...variables.filter(([name]) => isSecretName(name)).map(([, value]) => value),
    ...args.flatMap((word, at) => {
      const [, name = '', value] = /^(--?[^=\s]+)=(.*)$/s.exec(word) ?? [];
      if (value !== undefined) return isSecretName(name) ? [value] : [];
      const before = args[at - 1] ?? '';
      return before.startsWith('-') && !before.includes('=') && isSecretName(before) && !word.startsWith('--') ? [word] : [];
    }),
  ];
  return { secrets: telling(secrets), values: telling([...variables.map(([, value]) => value), ...ownValues(settings)]) };
}

/** The name of a flag is no secret, and what is wrong with it could not be said without it. */
function ownValues(settings: object): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return [];
    if (key !== 'args' || !Array.isArray(value)) return ownValues(value);
    return value.map(String).flatMap((word) => (word.startsWith('-') ? (/^[^=]+=(.*)$/s.exec(word)?.[1] ?? []) : word));
  });
}

/**
 * The longest first: one may be a part of another. Output comes in lines, and some programs write
 * `\n` for a line end: of a value of several lines, such as a private key, each line is one.
 */
function telling(texts: readonly string[]): readonly string[] {
  const lines = texts.flatMap((text) => text.split(/[\r\n]+/)).map((line) => line.trim());
  const plain = [...texts, ...lines];
  // Some print them as JSON does.
  const all = new Set([...plain, ...plain.map((text) => JSON.stringify(text).slice(1, -1))]);
  return [...all].filter((text) => text.length >= LEAST_CHARACTERS).toSorted((one, other) => other.length - one.length);
}
