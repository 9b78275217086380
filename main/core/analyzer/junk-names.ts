/**
 * File names that operating systems, file managers and NAS boxes create everywhere. They are never
 * listed as models. Pure.
 */

const JUNK: ReadonlySet<string> = new Set(
  [
    // Windows.
    'desktop.ini',
    'thumbs.db',
    'ehthumbs.db',
    'ehthumbs_vista.db',
    '$recycle.bin',
    'recycler',
    'system volume information',
    'found.000',
    // macOS (its other ones begin with a dot).
    '__macosx',
    'icon\r',
    'network trash folder',
    'temporary items',
    // Storage boxes: Synology, QNAP, and the folder of file systems for lost files.
    '@eadir',
    '@tmp',
    '#recycle',
    '#snapshot',
    '@recycle',
    '@recently-snapshot',
    'lost+found',
    'aquota.user',
    'aquota.group',
  ].map((name) => name.toLowerCase()),
);

/** Is it hidden, or something that a system has left? */
export function isSystemJunk(name: string): boolean {
  return name.startsWith('.') || JUNK.has(name.toLowerCase());
}
