/**
 * Binds the files of the built window to its index.html by their hashes. Used by the build alone.
 * It must leave out no script and no style: what it cannot bind ends the build. Pure.
 */

/** What a browser runs or draws by: every script, and links to styles and scripts. */
const PROGRAMS = /<script\b[^>]*>|<link\b[^>]*(?:stylesheet|modulepreload|\.(?:js|css)\b)[^>]*>/gi;
const ADDRESS = /\s(?:src|href)="([^"]*)"/;
const HEAD = '<head>';
/** What is drawn, and never run. */
const PICTURE_OR_FONT = /\.(?:svg|png|woff2)$/;
const STYLE = /\.css$/;

/**
 * All but pictures and fonts, wherever it lies: a script of an unusual name or place would run
 * without a hash.
 */
export function needsHash(file: string): boolean {
  return !PICTURE_OR_FONT.test(file);
}

/**
 * The import map holds the hashes of what scripts import (Chromium 127, Firefox 138, Safari 18 and
 * newer check them); main/http/page.ts allows it in the policy.
 * @param hashes of each file that needs one, by its address in the page: `sha384-...`.
 * @throws Error where index.html names a file that has no hash, or has no place for the import map.
 */
export function boundPage(html: string, hashes: ReadonlyMap<string, string>): string {
  const tagged = html.replace(PROGRAMS, (tag) => {
    const [written = '', file = ''] = ADDRESS.exec(tag) ?? [];
    const hash = hashes.get(file);
    if (hash === undefined) throw new Error(`index.html of the window has ${tag}, and there is no hash for it among the built files.`);
    return tag.replace(written, () => `${written} integrity="${hash}"`);
  });
  if (!tagged.includes(HEAD)) throw new Error(`index.html of the window has no ${HEAD}, in which the hashes of its scripts belong.`);
  const scripts = [...hashes].filter(([file]) => !STYLE.test(file));
  const map = JSON.stringify({ integrity: Object.fromEntries(scripts) });
  return tagged.replace(HEAD, () => `${HEAD}\n    <script type="importmap">${map}</script>`);
}
