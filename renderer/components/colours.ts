/**
 * Which model has which colour: for good, in this browser, so that a person knows it again tomorrow. No colour of a model is one of trouble. From the
 * ninth model on colours come again: names stand beside them.
 */

const COLOURS = 8;
const KEY = 'modelium-colours';
/** Models come and go; a list that only grows would fill the browser's storage. */
const REMEMBERED = 500;

const given = remembered();

/** The name of a colour of tokens.css: `--data-3`. */
export function colourOf(modelId: string): string {
  const known = given.get(modelId);
  if (known !== undefined) return `--data-${known + 1}`;
  const colour = rarest();
  given.set(modelId, colour);
  if (given.size > REMEMBERED) given.delete(given.keys().next().value ?? '');
  keep();
  return `--data-${colour + 1}`;
}

/** The one that the fewest of the known models have; the first of equals. */
function rarest(): number {
  const counts = Array.from({ length: COLOURS }, () => 0);
  for (const colour of given.values()) counts[colour] = (counts[colour] ?? 0) + 1;
  return counts.indexOf(Math.min(...counts));
}

function remembered(): Map<string, number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const isColour = (entry: [string, unknown]): entry is [string, number] =>
      Number.isInteger(entry[1]) && Number(entry[1]) >= 0 && Number(entry[1]) < COLOURS;
    return new Map(Object.entries(stored ?? {}).filter(isColour));
  } catch {
    return new Map();
  }
}

function keep(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(given)));
  } catch {
    // A browser that keeps nothing: then for as long as the page lives.
  }
}
