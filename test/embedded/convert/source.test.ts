/** Files that are converted: what was put in their place since they were listed is not read. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { convert } from '../../../main/embedded/convert/convert.ts';
import { SourceFolder } from '../../../main/embedded/convert/source.ts';

test('a link and a pipe in the place of a file are not followed, and hold nobody up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-source-'));
  const [secret, link, pipe] = ['secret', 'config.json', 'tokenizer.json'].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(secret, '{}');
  symlinkSync(secret, link);
  execFileSync('mkfifo', [pipe]);
  const source = new SourceFolder({ 'config.json': link, 'tokenizer.json': pipe });
  expect(() => source.read('config.json')).toThrow('ELOOP');
  expect(source.read('tokenizer.json')).toHaveLength(0);
  source.close();
  const request = { files: { 'config.json': link }, output: join(folder, 'out.gguf'), earlier: null, type: 'F16' } as const;
  expect(() => convert(request, () => {})).toThrow('ELOOP');
  rmSync(folder, { recursive: true });
});

test.runIf(process.platform === 'linux')('nor what lies behind a folder on the way that became a link, be it the same file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-source-'));
  const file = join(folder, 'model/config.json');
  mkdirSync(join(folder, 'model'));
  writeFileSync(file, '{}');
  const source = () => new SourceFolder({ 'config.json': file });
  expect(source().read('config.json')).toHaveLength(2);
  renameSync(join(folder, 'model'), join(folder, 'secret'));
  symlinkSync('secret', join(folder, 'model'));
  expect(() => source().read('config.json')).toThrow('has been replaced');
  rmSync(folder, { recursive: true });
});
