/**
 * Takes a model's key out of what its server says in an error: servers quote the keys that they
 * were sent, in JSON also with escapes. Pure.
 */

const HIDDEN = '***';
const ERROR = '"error"';

/** @param key null or empty: there is none. */
export function withoutKey(text: string, key: string | null): string {
  return key === null || key === '' ? text : text.replaceAll(key, HIDDEN);
}

/** The same of whole events of a stream: those with an error are written anew if they quote it. */
export function eventsWithoutKey(events: Buffer, key: string | null): Buffer | string {
  if (key === null || key === '' || !events.includes(ERROR)) return events;
  return events
    .toString()
    .split(/(?<=\n\r?\n)/)
    .map((event) =>
      event.includes(ERROR) ? event.replace(/^(data:\s*)(.*)$/gm, (_line, lead, data) => lead + dataWithoutKey(data, key)) : event,
    )
    .join('');
}

function dataWithoutKey(data: string, key: string): string {
  try {
    const value: unknown = JSON.parse(data);
    const written = JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'string' ? withoutKey(inner, key) : inner));
    return written === JSON.stringify(value) ? data : written;
  } catch {
    return withoutKey(data, key);
  }
}
