/**
 * Checks a GGUF's first bytes before the library reads the file: node-llama-cpp trusts any count in
 * them, and a wrong count makes it read for hours. The engine's analyzer has checked the whole
 * header; this check protects the program when it runs alone (I7).
 */
import { open } from 'node:fs/promises';

/** Magic, version, number of tensors, number of metadata entries. */
const HEAD_BYTES = 24;
/** The least that one entry takes in the file: a name's length, a type, a value. */
const LEAST_ENTRY_BYTES = 13;
const VERSIONS = [2, 3];

/** @throws Error with a sentence when this cannot be a GGUF. */
export async function checkGguf(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(HEAD_BYTES);
    await handle.read(head, 0, HEAD_BYTES, 0);
    if (head.toString('latin1', 0, 4) !== 'GGUF') throw new Error('it does not begin with "GGUF"');
    const version = head.readUInt32LE(4);
    if (!VERSIONS.includes(version)) throw new Error(`its GGUF version is ${version}; known are ${VERSIONS.join(' and ')}`);
    const entries = Number(head.readBigUInt64LE(8) + head.readBigUInt64LE(16));
    if (entries * LEAST_ENTRY_BYTES > size) throw new Error(`its header names ${entries} entries, which ${size} bytes cannot hold`);
  } finally {
    await handle.close();
  }
}
