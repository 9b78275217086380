import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readZip } from '../../main/core/analyzer/zip.ts';
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

async function bytesOf(mostBytes = PACKING.mostBytes): Promise<{ readonly zip: Buffer; readonly sha1: string; readonly told: number }> {
  const packed = await packedFolder(folder, { ...PACKING, mostBytes });
  const parts: Uint8Array[] = [];
  for await (const part of packed.stream()) parts.push(part);
  return { zip: Buffer.concat(parts), sha1: packed.sha1, told: packed.bytes };
}

test('the files of a folder are one zip of a length that is told before, whole and in order; links out of it are left out', async () => {
  const { zip, told } = await bytesOf();
  expect(zip.length).toBe(told);
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

test('more bytes than may be are refused, and a file that becomes shorter breaks the stream off', async () => {
  await expect(packedFolder(folder, { ...PACKING, mostBytes: 1000 })).rejects.toThrow('are more than 1000 bytes');
  const packed = await packedFolder(folder, PACKING);
  writeFileSync(join(folder, 'deep/er/big.bin'), 'short');
  const read = async () => {
    for await (const part of packed.stream()) expect(part.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toThrow('became shorter');
});
