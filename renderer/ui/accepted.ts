/** Checks whether a field accepts a file, by the type and name of the file. Pure. */

/**
 * @param accept as an input of HTML takes it: `image/*`, `.wav`, `video/mp4`, with commas between
 * them.
 */
export function isAccepted({ name, type }: Pick<File, 'name' | 'type'>, accept: string): boolean {
  return accept
    .split(',')
    .map((token) => token.trim().toLowerCase())
    .some((token) => {
      if (token.startsWith('.')) return name.toLowerCase().endsWith(token);
      return token.endsWith('/*') ? type.toLowerCase().startsWith(token.slice(0, -1)) : type.toLowerCase() === token;
    });
}
