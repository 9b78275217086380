/** What Triton counts of its models (`/v2/models/stats`). Pure. */
import { visibleName } from '../../../shared/visible.ts';

const LONGEST_NAME = 200;
const MOST_NAMES = 10_000;
const NAME = /"name":\s*"((?:[^"\\]|\\.){1,300})"/g;

/**
 * Names of models in statistics. Those of each model have some kilobytes of figures, so that many
 * models are megabytes: only names are taken out of them, and nothing is built of the rest (I12).
 */
export function namesIn(stats: string): readonly string[] {
  const names = new Set<string>();
  for (const [, name] of stats.matchAll(NAME)) {
    if (names.size === MOST_NAMES) break;
    try {
      names.add(JSON.parse(`"${name}"`) as string);
    } catch {
      // No name that it could have.
    }
  }
  return [...names];
}

/** Names that can be told apart by looking at them. */
export function isName(name: string): boolean {
  return name !== '' && name.length <= LONGEST_NAME && visibleName(name) === name;
}
