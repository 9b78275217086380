/** Which model has which colour: the next free one when it is first drawn, and then for good, so that a bar does not change under one's eyes. */

const COLOURS = 8;
const given = new Map<string, number>();

/** The name of a colour of tokens.css: `--data-3`. */
export function colourOf(modelId: string): string {
  const index = given.get(modelId) ?? given.size % COLOURS;
  given.set(modelId, index);
  return `--data-${index + 1}`;
}
