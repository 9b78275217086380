/**
 * Names written inside a model's files: where they lead, whether that is inside the folder, and how
 * they are shown. Pure.
 */

/** More than any name in a model's folder has. */
const MAX_NAME_LENGTH = 1024;
/**
 * How deep a candidate is listed (`main/io/files/files.ts`): below that, and in names with a dot
 * before them, a file could change unseen.
 */
const MAX_LISTED_NAMES = 5;

/** The folder part of a path with its slash; '' at the top. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The path, relative to the candidate's root, that a name inside a file of `folder` leads to.
 * @returns null where it would leave the folder or what is listed of it: absolute names, drives,
 * `..`, hidden names, names too deep, backslashes and control characters are never followed.
 */
export function confined(folder: string, name: string): string | null {
  if (name === '' || name.length > MAX_NAME_LENGTH || /[\\:\p{C}]/u.test(name) || name.startsWith('/')) return null;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  // `..` is a hidden name too.
  if (parts.length === 0 || parts.some((part) => part.startsWith('.'))) return null;
  if (folder.split('/').length - 1 + parts.length > MAX_LISTED_NAMES) return null;
  return folder + parts.join('/');
}

/** A name out of a file for a sentence: short, and without what could disturb a terminal. */
export function shown(name: string): string {
  const plain = name.replace(/\p{C}/gu, '?');
  return `"${plain.length > 80 ? `${plain.slice(0, 80)}…` : plain}"`;
}

/** The first few of a list, and how many more there are. */
export function someOf(names: readonly string[], most = 5): string {
  return `${names.slice(0, most).join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`;
}
