/**
 * Finds the known names closest to a mistyped one. Pure; used for settings keys, model names and
 * verbs.
 */

/** Costs beyond this share of the longer name are another word, not a slip. */
const MOST_SLIPS = 0.5;
/** Twice the longest name of a model. */
const MOST_CHARACTERS = 256;
/**
 * Comparing two names costs the product of their lengths, and what is sought comes from outside: so
 * much for all names together takes about a millisecond (I10).
 */
const MOST_COST = 200_000;

/**
 * Names like `wanted`, best first, at most `limit`: slips of the finger, another case, or a part of
 * the name. Of very many names those of about the same length are compared letter by letter.
 */
export function nearestNames(wanted: string, known: readonly string[], limit = 3): readonly string[] {
  const sought = wanted.slice(0, MOST_CHARACTERS).toLowerCase();
  const unlike = (name: string): number => Math.abs(name.length - sought.length);
  let left = MOST_COST;
  return known
    .toSorted((one, other) => unlike(one) - unlike(other))
    .map((name) => {
      left -= sought.length * name.length;
      return { name, distance: distance(sought, name.toLowerCase(), left >= 0) };
    })
    .filter((near) => near.distance <= MOST_SLIPS)
    .sort((one, other) => one.distance - other.distance || (one.name < other.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/**
 * 0 (equal) to 1 (nothing in common); a part of the other name counts as near, since people leave
 * out suffixes.
 * @param isCounted slips are looked for, and not only parts.
 */
function distance(left: string, right: string, isCounted: boolean): number {
  const longest = Math.max(left.length, right.length);
  if (longest === 0) return 0;
  const shortest = Math.min(left.length, right.length);
  // As many slips as one is longer than the other there are at least.
  const share = isCounted && longest - shortest <= MOST_SLIPS * longest ? slips(left, right) / longest : 1;
  const contained = shortest >= 3 && (left.includes(right) || right.includes(left));
  return contained ? Math.min(share, MOST_SLIPS) : share;
}

/** Levenshtein's count of insertions, deletions and replacements, with one row. */
function slips(left: string, right: string): number {
  const row = Uint16Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let at = 0; at < left.length; at += 1) {
    const letter = left.charCodeAt(at);
    let diagonal = at;
    row[0] = at + 1;
    for (let column = 1; column <= right.length; column += 1) {
      const above = row[column] as number;
      const replaced = diagonal + (letter === right.charCodeAt(column - 1) ? 0 : 1);
      row[column] = Math.min(replaced, above + 1, (row[column - 1] as number) + 1);
      diagonal = above;
    }
  }
  return row[right.length] as number;
}
