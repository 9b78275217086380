/**
 * Removes secrets from program output: keys on command lines, in headers and in addresses. It does
 * so when a line arrives, so that nothing shown, copied or saved contains one. Says by the name of
 * a variable or flag whether its value is a secret. Pure.
 */

export const REDACTED = '[redacted]';

/** What comes before the secret is kept, so that the line still says what it was. */
const SECRETS: readonly RegExp[] = [
  /(\b(?:bearer|basic)\s+)[\w.~+/=-]{4,}/gi,
  /(#token=)[^\s"'&]+/gi,
  // --api-key KEY, --api-key=KEY, and lists as Python prints them: ['--api-key', 'KEY']
  /((?<![\w-])--[\w-]*(?:key|token|password)["']?(?:\s*[=,]\s*|\s+)["']?)[^\s"',;)\]}]+/gi,
  // api_key: "KEY", 'api_key': ['KEY'], MY_API_KEY=KEY
  /((?:api|secret|access|auth)[-_ ]?(?:key|token)["']?\s*[=:][\s["']*)[^\s["',;)\]}][^\s"',;)\]}]*/gi,
  /(\b(?:HF_TOKEN|HUGGING_FACE_HUB_TOKEN|password|passwd)["']?\s*[=:]\s*["']?)[^\s"',;)\]}]+/gi,
  // https://name:PASSWORD@host, https://KEY@host
  /(:\/\/(?:[^\s/@:"']*:)?)[^\s/@"']+(?=@)/g,
  /()\b(?:hf_|sk-)[A-Za-z0-9_-]{16,}/g,
];
/** Most lines hold nothing of the kind: one look tells. */
const SUSPICIOUS = /bearer|basic|token|key|passw|hf_|sk-|:\/\//i;

/**
 * By the end of the name, so that `--token-ms`, `--max-num-batched-tokens` and `--tokenizer` are
 * told.
 */
const SECRET_NAME = /(?:keys?|token|auth|authorization|cookie|signature|pass|pwd|[_-]pat)$|secret|passw|passphrase|credential/i;

/** Is the value of this variable or flag a secret? */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * A command as sentences name it that everybody may read: without the arguments that somebody wrote
 * behind it, where they have no effect.
 */
export function programName(command: string): string {
  return command.replace(/(?:^|\s+)(?:-|\w+=).*$/s, ' ...').trimStart();
}

/** @param known a secret that this window itself holds, wherever it stands; null: none. */
export function redacted(text: string, known: string | null): string {
  const kept = known === null || known === '' ? text : text.replaceAll(known, REDACTED);
  if (!SUSPICIOUS.test(kept)) return kept;
  return SECRETS.reduce((clean, secret) => replacedIn(clean, secret), kept);
}

/** What was removed already is left alone: a line may come by here twice. */
function replacedIn(text: string, secret: RegExp): string {
  const parts = text.split(REDACTED);
  return parts.map((part) => part.replace(secret, (_whole, lead: string) => `${lead}${REDACTED}`)).join(REDACTED);
}
