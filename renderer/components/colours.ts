/**
 * Assigns colours to models and keeps them in this browser, so that a user recognises a model
 * tomorrow. No model has the colour of an error. After eight models the colours repeat; names stand
 * next to them.
 */

import { useWindow } from '../store.ts';

const COLOURS = 8;
const KEY = 'modelium-colours';
/** Models come and go; a list that only grows would fill the browser's storage. */
const REMEMBERED = 500;

const given = remembered();

// Given when the engine tells of a model, before anything of it is drawn: drawing changes nothing.
useWindow.subscribe(({ snapshot }, { snapshot: before }) => {
  if (snapshot === null || (snapshot.devices === before?.devices && snapshot.models === before.models)) return;
  for (const { byModel } of snapshot.devices) for (const [id, bytes] of Object.entries(byModel)) if (bytes > 0) giveColour(id);
});

/**
 * The name of a colour of tokens.css: `--data-3`. One that left before this browser was told of it
 * has any of them, always the same.
 */
export function colourOf(modelId: string): string {
  return `--data-${(given.get(modelId) ?? [...modelId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS) + 1}`;
}

/** For good. @param modelId holds memory, so that it is drawn. */
export function giveColour(modelId: string): void {
  if (given.has(modelId)) return;
  given.set(modelId, rarest());
  if (given.size > REMEMBERED) given.delete(given.keys().next().value ?? '');
  keep();
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
