/**
 * Whatever is dropped gets a verdict at once, says what to do, keeps that verdict over a restart,
 * and is offered to nobody.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { makeHome, startServe } from './helpers/serve.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const home = makeHome({ orchestration: { model_discovery: { scan_interval_seconds: 1 }, policies: { load: 'on_request' } } });
afterAll(() => home.remove());

/** Name, content, and what its verdict must say. */
const FILES: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ['weights.zip', 'PK\x03\x04xxxxxxxx', /a zip archive.*Unpack it/],
  ['model.tar.gz', Uint8Array.of(0x1f, 0x8b, 8, 0), /a compressed archive.*Unpack it/],
  ['misnamed.dat', 'PK\x03\x04xxxxxxxx', /a zip archive.*Unpack it/],
  ['pytorch_model.bin', 'xxxxxxxxxxxxxxxx', /weights without a description.*config\.json/],
  ['older-ggml.bin', 'tjgg\x03\x00\x00\x00xxxxxxxx', /GGML file from before GGUF/],
  ['sd.ckpt', 'xxxxxxxxxxxxxxxx', /not a PyTorch file that can be read/],
  ['keras.h5', '\x89HDF', /a Keras model/],
  ['scaler.pkl', 'xxxx', /a pickle.*safetensors, GGUF or ONNX/],
  ['llava.llamafile', 'xxxx', /a llamafile.*Take the GGUF out/],
  ['notes.txt', 'hello', /a text.*not a model/],
  ['photo.png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47), /a picture.*not a model/],
  ['config.json', '{"model_type":"llama"}', /drop the whole folder/],
  ['empty.dat', '', /an empty file/],
  ['login.bin', '<!DOCTYPE html><html>', /a web page.*login/],
  [
    'Tess-72B.Q8_0.gguf.part1of2',
    'GGUFxxxxxxxx',
    /one of the 2 pieces of Tess-72B.*cat \$\(ls -v Tess-72B.Q8_0.gguf.part\*of2\) > Tess-72B.Q8_0.gguf/,
  ],
  ['Tess-72B.Q8_0.gguf.part2of2', 'xxxxxxxxxxxx', /never listed by itself/],
  ['no-kind.xyz', 'abc', /does not know this kind of file/],
  ['alex.pth', gunzipSync(readFileSync(new URL('fixtures/real-files/lpips/alex.pth.gz', import.meta.url))), /is not trusted yet/],
];
const JUNK = ['desktop.ini', 'Thumbs.db', '.DS_Store'];

describe('what is dropped', () => {
  test('each thing is told what it is, in the list, in the log and after a restart', async () => {
    for (const [name, content] of FILES) writeFileSync(join(home.watch, name), content);
    for (const name of JUNK) writeFileSync(join(home.watch, name), 'x');
    for (const folder of ['@eaDir', '$RECYCLE.BIN', 'System Volume Information', 'empty', 'snapshot', 'notes'])
      mkdirSync(join(home.watch, folder));
    writeFileSync(join(home.watch, 'notes/README.md'), '# notes');
    await writeTinyGguf(join(home.watch, '@eaDir'), { name: 'thumbnail' });
    for (const name of ['config.json', 'model.safetensors']) symlinkSync('../../blobs/0123', join(home.watch, 'snapshot', name));
    await writeTinyGguf(home.watch, { name: 'a' });
    const first = await startServe(home);
    const verdicts = async (): Promise<ReadonlyMap<string, string>> => {
      const models = await first.models();
      return new Map(models.map(({ id, state, message }) => [id, `${state}: ${message}`]));
    };
    const listed = FILES.filter(([, , words]) => words.source !== 'never listed by itself');
    await eventually(
      'each has its verdict',
      async () => [...(await verdicts()).values()].filter((words) => words.startsWith('blocked')).length >= listed.length + 2,
    );
    const seen = await verdicts();
    const expected: (readonly [string, RegExp])[] = listed.map(([name, , words]) => [name, words]);
    expected.push(['empty', /an empty folder/], ['snapshot', /only broken links: config\.json, model\.safetensors/]);
    for (const [id, words] of expected) {
      expect(seen.get(id), id).toMatch(/^blocked: /);
      expect(seen.get(id), id).toMatch(words);
      expect(
        first
          .story()
          .split('\n')
          .find((line) => line.startsWith(`${id} is not served: `)),
        id,
      ).toMatch(words);
    }
    // The folder of notes is waited for: weights may come.
    expect([...seen.keys()].sort()).toEqual([...expected.map(([id]) => id), 'a', 'notes'].sort());
    const offered = async (address: string): Promise<readonly string[]> =>
      ((await (await fetch(`${address}/v1/models`)).json()) as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(await offered(first.address)).toEqual(['a']);
    await first.end('SIGTERM');

    const second = await startServe(home);
    await eventually(
      'each has its verdict again',
      async () => (await second.models()).filter(({ state }) => state === 'blocked').length >= expected.length,
    );
    for (const { id, state, message } of await second.models()) {
      const words = expected.find(([name]) => name === id)?.[1];
      if (words !== undefined) expect(`${state}: ${message}`, id).toMatch(new RegExp(`^blocked: .*${words.source}`));
    }
    expect(await offered(second.address)).toEqual(['a']);
    await second.end('SIGTERM');
  });
});
