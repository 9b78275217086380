/**
 * Removes secrets from answers: without the token all arguments and environment values of models,
 * with the token those whose names say that they are secret. It works while answers become JSON, so
 * that no view can be forgotten. Pure.
 */

const HIDDEN = '[hidden]';

/**
 * By the end of the name, so that `--token-ms`, `--max-num-batched-tokens` and `--tokenizer` are
 * told.
 */
const SECRET_NAME = /(?:keys?|token|auth|authorization|cookie|signature|pass|pwd)$|secret|passw|credential/i;
const URL_WITH_PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/)[^/@]*:[^/@]*@/i;

type Replacer = (key: string, value: unknown) => unknown;

/** For JSON.stringify: takes arguments and environments out. */
export const withoutLaunch: Replacer = (key, value) => {
  if (key === 'args' && isTexts(value)) return [];
  if (key === 'env' && isTextMap(value)) return {};
  return value;
};

/** For JSON.stringify: hides the values of secrets, by the names that they carry. */
export const withoutSecrets: Replacer = (key, value) => {
  if (key === 'args' && isTexts(value)) return value.map((text, index) => shownArgument(text, value[index - 1]));
  if (key === 'env' && isTextMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, SECRET_NAME.test(name) ? HIDDEN : withoutPassword(text)]));
  }
  return value;
};

/** `--api-key=x` and `--api-key x`. */
function shownArgument(text: string, before: string | undefined): string {
  const [, name = '', value] = /^(--?[^=\s]+)=(.*)$/s.exec(text) ?? [];
  if (value !== undefined) return SECRET_NAME.test(name) ? `${name}=${HIDDEN}` : `${name}=${withoutPassword(value)}`;
  const isSecret = before?.startsWith('-') === true && !before.includes('=') && SECRET_NAME.test(before) && !text.startsWith('--');
  return isSecret ? HIDDEN : withoutPassword(text);
}

function withoutPassword(text: string): string {
  return text.replace(URL_WITH_PASSWORD, `$1${HIDDEN}@`);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((text) => typeof text === 'string')
  );
}
