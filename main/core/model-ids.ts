/** Names of models: what of a file's or folder's name becomes the id (design: a model's life). Pure. */

/** Ids are labels of metrics and parts of addresses; a longer name helps nobody. */
const MAX_ID_LENGTH = 120;

/**
 * The id that a name asks for: its last segment without `.gguf`, only `[A-Za-z0-9._-]`, beginning with a letter or digit.
 * @param name `model`, or `owner/model` for one level of nesting.
 */
export function idOf(name: string): string {
  const last = name.split('/').at(-1) ?? name;
  const plain = last
    .replace(/\.gguf$/i, '')
    .replace(/[^A-Za-z0-9._-]/gu, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_ID_LENGTH);
  return plain === '' ? 'model' : plain;
}

/** The id itself, or with the first of `-2`, `-3` ... that nobody has. */
export function unusedId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  let number = 2;
  while (taken.has(`${id}-${number}`)) number += 1;
  return `${id}-${number}`;
}
