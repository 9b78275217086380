import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readZip } from '../../main/core/analyzer/zip.ts';
import { jsonWithFiles } from '../../main/io/files/json-with-files.ts';
import { packedFolder } from '../../main/io/files/packed-folder.ts';
import { counted } from '../core/analyzer/synthetic-gguf.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelium-packed-'));
const PACKING = { below: 'model', mostBytes: 1_000_000, without: ['.pyc'] };
beforeAll(() => {
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  writeFileSync(join(folder, 'größe.txt'), 'grün');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'deep/er/big.bin'), Buffer.alloc(300_001, 7));
  writeFileSync(join(folder, 'left-out.pyc'), 'x');
  symlinkSync('/etc/hostname', join(folder, 'outside'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bytesOf(mostBytes = PACKING.mostBytes): Promise<{ readonly zip: Buffer; readonly sha1: string; readonly reported: number }> {
  const packed = await packedFolder(folder, { ...PACKING, mostBytes });
  const parts: Uint8Array[] = [];
  for await (const part of packed.stream()) parts.push(part);
  return { zip: Buffer.concat(parts), sha1: packed.sha1, reported: packed.bytes };
}

test('the files of a folder are one zip of a length that is told before, whole and in order; links out of it are left out', async () => {
  const { zip, reported } = await bytesOf();
  expect(zip.length).toBe(reported);
  expect(readZip(counted(zip)).map(({ name, bytes, isStored }) => [name, bytes, isStored])).toEqual([
    ['model/deep/er/big.bin', 300_001, true],
    ['model/empty', 0, true],
    ['model/größe.txt', 5, true],
  ]);
  expect([zip.includes('grün'), zip.includes(Buffer.alloc(300_001, 7))]).toEqual([true, true]);
});

test('equal files are equal bytes under an equal name, whatever their times; other content has another name', async () => {
  const before = await bytesOf();
  utimesSync(join(folder, 'empty'), 1, 1);
  const after = await bytesOf();
  expect([after.sha1, after.zip.equals(before.zip)]).toEqual([before.sha1, true]);
  writeFileSync(join(folder, 'größe.txt'), 'grau!');
  expect((await bytesOf()).sha1).not.toBe(before.sha1);
});

test('a link that is put in the place of a file after the look is not followed, nor one in the place of its folder', async () => {
  const secrets = mkdtempSync(join(tmpdir(), 'modelium-secrets-'));
  writeFileSync(join(secrets, 'big.bin'), Buffer.alloc(300_001, 9));
  const read = async (stream: AsyncIterable<Uint8Array>) => {
    for await (const part of stream) expect(Buffer.from(part).includes(Buffer.alloc(1000, 9))).toBe(false);
  };
  for (const [place, target] of [
    ['deep/er/big.bin', join(secrets, 'big.bin')],
    ['deep/er', secrets],
  ] as const) {
    const packed = await packedFolder(folder, PACKING);
    const json = await jsonWithFiles({ texts: {}, files: { file: join(folder, 'deep/er/big.bin') } });
    renameSync(join(folder, place), join(secrets, 'aside'));
    symlinkSync(target, join(folder, place));
    await expect(read(packed.stream())).rejects.toMatchObject({ code: 'content-changed' });
    await expect(read(json.stream())).rejects.toMatchObject({ code: 'content-changed' });
    rmSync(join(folder, place));
    renameSync(join(secrets, 'aside'), join(folder, place));
  }
  rmSync(secrets, { recursive: true });
});

test('more bytes than may be are refused, and a file that becomes shorter breaks the stream off', async () => {
  await expect(packedFolder(folder, { ...PACKING, mostBytes: 1000 })).rejects.toThrow('are more than 1000 bytes');
  const packed = await packedFolder(folder, PACKING);
  writeFileSync(join(folder, 'deep/er/big.bin'), 'short');
  const read = async () => {
    for await (const part of packed.stream()) expect(part.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toThrow('became shorter');
});
