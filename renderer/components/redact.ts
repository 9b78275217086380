/**
 * Removes secrets from program output: keys on command lines, in headers and in addresses. It does
 * so when a line arrives, so that nothing shown, copied or saved contains one. Pure.
 */

export const REDACTED = '[redacted]';

/** What comes before the secret is kept, so that the line still says what it was. */
const SECRETS: readonly RegExp[] = [
  /(\b(?:bearer|basic)\s+)[\w.~+/=-]{4,}/gi,
  /(#token=)[^\s"'&]+/gi,
  // --api-key KEY, --api-key=KEY, and lists as Python prints them: ['--api-key', 'KEY']
  /(--[\w-]*(?:key|token|password)["']?(?:\s*[=,]\s*|\s+)["']?)[^\s"',;)\]}]+/gi,
  // api_key: "KEY", 'api_key': ['KEY'], MY_API_KEY=KEY
  /((?:api|secret|access|auth)[-_ ]?(?:key|token)["']?\s*[=:][\s["']*)[^\s"',;)\]}]+/gi,
  /(\b(?:HF_TOKEN|HUGGING_FACE_HUB_TOKEN|password|passwd)["']?\s*[=:]\s*["']?)[^\s"',;)\]}]+/gi,
  /()\b(?:hf_|sk-)[A-Za-z0-9_-]{16,}/g,
];
/** Most lines hold nothing of the kind: one look tells. */
const SUSPICIOUS = /bearer|basic|token|key|passw|hf_|sk-/i;

/** @param known a secret that this window itself holds, wherever it stands; null: none. */
export function redacted(text: string, known: string | null): string {
  const kept = known === null || known === '' ? text : text.replaceAll(known, REDACTED);
  if (!SUSPICIOUS.test(kept)) return kept;
  return SECRETS.reduce((clean, secret) => clean.replace(secret, (_whole, lead: string) => `${lead}${REDACTED}`), kept);
}
