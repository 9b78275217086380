/**
 * Removes secrets from answers: without the token all arguments and environment values of models,
 * with the token those whose names say that they are secret. It works while answers become JSON, so
 * that no view can be forgotten. Pure.
 */
import { isSecretName, REDACTED, redacted } from '../../shared/redact.ts';

const HIDDEN = '[hidden]';
/** A key may stand there without a name: `https://KEY@host`. */
const URL_WITH_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;
/** As other tools write a variable. */
const PAIR = /^([^=\s]+)=(.*)$/s;

type Replacer = (key: string, value: unknown) => unknown;

/**
 * For JSON.stringify: takes arguments and environments out, and in which way a server of a person's
 * own is asked: a key may stand in its path.
 */
export const withoutLaunch: Replacer = (key, value) => {
  if ((key === 'args' || key === 'asked') && Array.isArray(value)) return [];
  if (key === 'env' && typeof value === 'object' && value !== null) return {};
  return value;
};

/**
 * For JSON.stringify: hides the values of secrets, by the names that they carry. What a settings
 * file says need not be valid: a number among the arguments, or a list of variables, must hide no
 * less.
 */
export const withoutSecrets: Replacer = (key, value) => {
  if (key === 'given') return shownSettings(value);
  if (key === 'args') return shownArguments(value);
  return key === 'env' ? shownEnvironment(value) : value;
};

/** A key that a person wrote into the file itself, where none belongs. */
function shownSettings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownSettings);
  if (typeof value !== 'object' || value === null) return value;
  const shown = Object.entries(value).map(([name, item]: [string, unknown]) => [
    name,
    typeof item === 'string' && isSecretName(name) ? HIDDEN : shownSettings(item),
  ]);
  return Object.fromEntries(shown);
}

function shownArguments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => shownArgument(item, value[index - 1]));
  if (typeof value === 'object') return shownEnvironment(value);
  // A whole command line in one text.
  if (typeof value !== 'string') return value;
  const words = value.split(/(\s+)/);
  return words.map((word, index) => shownArgument(word, words[index - 2])).join('');
}

/** `--api-key=x` and `--api-key x`. */
function shownArgument(item: unknown, before: unknown): unknown {
  const [, name = '', value] = /^(--?[^=\s]+)=(.*)$/s.exec(String(item)) ?? [];
  if (value !== undefined) return `${name}=${isSecretName(name) ? HIDDEN : withoutSecret(value)}`;
  const isNamed = typeof before === 'string' && before.startsWith('-') && !before.includes('=') && isSecretName(before);
  return isNamed && !String(item).startsWith('--') ? HIDDEN : withoutSecret(item);
}

function shownEnvironment(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownVariable);
  if (typeof value !== 'object' || value === null) return shownVariable(value);
  const shown = Object.entries(value).map(([name, item]: [string, unknown]) => [name, isSecretName(name) ? HIDDEN : withoutSecret(item)]);
  return Object.fromEntries(shown);
}

function shownVariable(item: unknown): unknown {
  const [, name, value] = typeof item === 'string' ? (PAIR.exec(item) ?? []) : [];
  return name === undefined ? item : `${name}=${isSecretName(name) ? HIDDEN : withoutSecret(value)}`;
}

/** What is hidden in output is hidden here, too: a value may be a header with its key. */
function withoutSecret(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return redacted(value.replace(URL_WITH_PASSWORD, `$1${HIDDEN}@`), null).replaceAll(REDACTED, HIDDEN);
}
