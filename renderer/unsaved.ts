/**
 * The number of unsaved edits of the settings: set by the page Settings, which may not be loaded
 * yet, and read by whoever must ask before they are lost.
 */

let count = 0;
const listeners = new Set<() => void>();

export function unsavedCount(): number {
  return count;
}

export function reportUnsaved(next: number): void {
  if (next === count) return;
  count = next;
  for (const listener of listeners) listener();
}

export function onUnsaved(listener: () => void): void {
  listeners.add(listener);
}
