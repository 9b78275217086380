/** Which words of a launch must not stand in what its process prints. Pure. */
import { isSecretName } from '../../shared/redact.ts';

/** Shorter words stand in many lines by chance. */
const LEAST_CHARACTERS = 8;

export interface LaunchSecrets {
  /** Secrets by the names of their variables or flags: nobody sees them. */
  readonly secrets: readonly string[];
  /** All values of variables: whoever may ask the model does not see them in an error. */
  readonly values: readonly string[];
}

/** @param env of the process; @param args its arguments. */
export function launchSecrets(args: readonly string[], env: Readonly<Record<string, string>>): LaunchSecrets {
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
  return { secrets: telling(secrets), values: telling(variables.map(([, value]) => value)) };
}

/** The longest first: one may be a part of another. */
function telling(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => text.length >= LEAST_CHARACTERS).toSorted((one, other) => other.length - one.length);
}
