/**
 * The order of names everywhere in the window: `model-9` before `model-10`. Made once: a collator
 * for each comparison would cost more than a list.
 */
export const byName: (first: string, second: string) => number = new Intl.Collator('en', { numeric: true }).compare;
