/**
 * Parses the command line of a vLLM launch as argparse does: the last occurrence of a flag counts,
 * as `--flag value` or `--flag=value`. Pure.
 */

/** Null: it is not given. */
export function flagOf(args: readonly string[], name: string): string | null {
  let value: string | null = null;
  for (const [index, word] of args.entries()) {
    // argparse takes underscores for dashes.
    const [flag, joined] = word.startsWith('--') ? word.split(/=(.*)/s) : [word];
    if (flag?.replaceAll('_', '-') !== name) continue;
    value = joined ?? args[index + 1] ?? '';
  }
  return value;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/**
 * Bytes or tokens as vLLM writes them: `256M`, `1k`, `25.6k` (vllm/engine/arg_utils.py,
 * human_readable_int). Null: it is no number.
 */
export function humanNumber(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([kmgtKMGT]?)$/.exec(text.trim());
  return match === null ? null : Math.floor(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1));
}
