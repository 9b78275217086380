/**
 * Which model has which colour: the next in turn when it is first drawn, and then for good, so that a bar does not change under one's eyes. From
 * the ninth on colours come again: names stand beside them.
 */

const COLOURS = 8;
const given = new Map<string, number>();

/** The name of a colour of tokens.css: `--data-3`. */
export function colourOf(modelId: string): string {
  const index = given.get(modelId) ?? given.size % COLOURS;
  given.set(modelId, index);
  return `--data-${index + 1}`;
}
