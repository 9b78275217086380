/**
 * The order of names everywhere in the window: `model-9` before `model-10`. One collator for all,
 * because making one for each comparison is expensive.
 */
export const byName: (first: string, second: string) => number = new Intl.Collator('en', { numeric: true }).compare;
