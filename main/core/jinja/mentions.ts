/** Whether a part of a template reads a name. No I/O. */

const known = new WeakMap<object, Map<string, boolean>>();

export function mentions(part: object, name: string): boolean {
  let names = known.get(part);
  if (names === undefined) {
    names = new Map();
    known.set(part, names);
  }
  const before = names.get(name);
  if (before !== undefined) return before;
  const found = reads(part, name);
  names.set(name, found);
  return found;
}

function reads(part: unknown, name: string): boolean {
  if (typeof part !== 'object' || part === null) return false;
  const node = part as { readonly kind?: unknown; readonly name?: unknown };
  if (node.kind === 'name' && node.name === name) return true;
  return Object.values(part).some((inner) => reads(inner, name));
}
