/**
 * HTML's character references in running text, which Markdown resolves: `&amp;` is an ampersand.
 * Only the common names; the rest stays as written.
 */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  copy: '©',
  deg: '°',
  times: '×',
  rarr: '→',
  larr: '←',
  euro: '€',
};
const LAST_CODE_POINT = 0x10_ffff;

export function resolveEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-z]+));/g, (written, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return Object.hasOwn(NAMED, name) ? (NAMED[name] ?? written) : written;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    const isCharacter = code > 0 && code <= LAST_CODE_POINT && !(code >= 0xd800 && code <= 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : '\ufffd';
  });
}

/**
 * The address if a click on it may leave the window: http and https alone. Null: it is shown as
 * text.
 */
export function safeAddress(href: string): string | null {
  try {
    const { protocol, href: whole } = new URL(href);
    return protocol === 'https:' || protocol === 'http:' ? whole : null;
  } catch {
    return null;
  }
}
