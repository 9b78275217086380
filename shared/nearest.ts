/**
 * Finds the known names closest to a mistyped one. Pure; used for settings keys, model names and
 * verbs.
 */

/** Costs beyond this share of the longer name are another word, not a slip. */
const MOST_SLIPS = 0.5;
/** Twice the longest name of a model. */
const MOST_CHARACTERS = 256;

/**
 * Names like `wanted`, best first, at most `limit`: slips of the finger, another case, or a part of
 * the name.
 */
export function nearestNames(wanted: string, known: readonly string[], limit = 3): readonly string[] {
  // Comparing costs the product of both lengths, and what is sought comes from outside (I10).
  const sought = wanted.slice(0, MOST_CHARACTERS).toLowerCase();
  return known
    .map((name) => ({ name, cost: distance(sought, name.toLowerCase()) }))
    .filter(({ cost }) => cost <= MOST_SLIPS)
    .sort((left, right) => left.cost - right.cost || left.name.localeCompare(right.name))
    .slice(0, limit)
    .map(({ name }) => name);
}

/**
 * 0 (equal) to 1 (nothing in common); a part of the other name counts as near, since people leave
 * out suffixes.
 */
function distance(left: string, right: string): number {
  const longest = Math.max(left.length, right.length);
  if (longest === 0) return 0;
  const share = slips(left, right) / longest;
  const shortest = Math.min(left.length, right.length);
  const contained = shortest >= 3 && (left.includes(right) || right.includes(left));
  return contained ? Math.min(share, MOST_SLIPS) : share;
}

/** Levenshtein's count of insertions, deletions and replacements, with two rows. */
function slips(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replace = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
