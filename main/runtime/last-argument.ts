/**
 * Reads the number of an option from a command line; the last occurrence counts, as in most
 * programs. Pure.
 */

/** @returns null where it is not given, or not a number. */
export function lastNumber(args: readonly string[], ...names: readonly string[]): number | null {
  for (let at = args.length - 1; at >= 0; at -= 1) {
    const [name = '', joined] = (args[at] ?? '').split(/=(.*)/s);
    if (!names.includes(name)) continue;
    const value = Number(joined ?? args[at + 1]);
    return Number.isFinite(value) ? value : null;
  }
  return null;
}
