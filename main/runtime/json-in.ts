/** Reads the answers of servers, which may be anything. Pure. */

/**
 * The object or list in an answer; null where it is none. Its members are not checked: they may be
 * absent, or other than the type says.
 */
export function jsonIn<Value>(body: string | undefined): Value | null {
  try {
    const value: unknown = JSON.parse(body ?? '');
    return typeof value === 'object' && value !== null ? (value as Value) : null;
  } catch {
    return null;
  }
}
