/** Candidates made of contents in memory, and what was asked of them. */
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { counted } from './synthetic-gguf.ts';

export type Contents = Readonly<Record<string, Uint8Array | string | object>>;

export function bytesOf(content: Uint8Array | string | object): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
}

export function folderOf(contents: Contents): CandidateFile[] {
  return Object.entries(contents).map(([path, content]) => {
    const bytes = bytesOf(content);
    return { path, bytes: bytes.length, open: () => counted(bytes) };
  });
}

/**
 * A source of which only the ends of the file are there: the middle, as long as one likes, is
 * zeros. Counts what is asked of it.
 */
export function sparse(head: Uint8Array, bytes: number): ReturnType<typeof counted> {
  const source = counted(head, bytes);
  const read = source.read.bind(source);
  source.read = (offset, wanted) => {
    const got = read(offset, wanted);
    const whole = new Uint8Array(Math.max(0, Math.min(wanted, bytes - offset)));
    whole.set(got.subarray(0, whole.length));
    return whole;
  };
  return source;
}
