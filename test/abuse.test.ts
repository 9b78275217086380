/**
 * Files that mean harm, dropped on a real engine: none may hold it up, and each gets a sentence.
 * What goes on beside them is served.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../main/client.ts';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import { openStateFolder } from '../main/io/state-folder.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

/** A tiny model of which one number of the header is another one. */
function lying(key: string, value: number): Uint8Array {
  const bytes = Buffer.from(tinyModel({ contextTokens: 512 })[0]!.bytes);
  const at = bytes.indexOf(key);
  expect(at).toBeGreaterThan(0);
  bytes.writeUInt32LE(value, at + key.length + 4);
  return bytes;
}

/** Its head says as much as 32 bits can. */
const WAV = Buffer.concat([
  Buffer.from('RIFF\u0000\u0000\u0000\u0000WAVEfmt \u0010\0\0\0\u0001\0'),
  Buffer.alloc(14, 255),
  Buffer.from('data'),
  Buffer.alloc(4, 255),
]).toString('base64');

describe('hostile files in the watch folder', () => {
  let live: LiveEngine;
  beforeAll(async () => {
    live = await startLiveEngine({
      settings: { gpus: { use: 'none' }, host: { reserve_mb: 0 } },
      async prepare({ watch }) {
        writeFileSync(join(watch, 'layers.gguf'), lying('llama.block_count', 0xffff_ffff));
        for (const name of ['linkout', 'pipes']) mkdirSync(join(watch, name));
        symlinkSync('/etc/passwd', join(watch, 'linkout', 'model.gguf'));
        for (const name of ['pipe.gguf', 'pipes/model.gguf']) execFileSync('mkfifo', [join(watch, name)]);
        symlinkSync('/proc', join(watch, 'system'));
        symlinkSync('circle.gguf', join(watch, 'circle.gguf'));
        await writeTinyGguf(watch, { name: 'tiny', contextTokens: 512 });
      },
    });
  });
  afterAll(() => live.close());

  test('a model beside them is served', async () => {
    await live.comesTo('tiny', 'ready');
    expect((await live.predict('tiny')).status).toBe(200);
  });

  test('a header that claims billions of layers is damage, and no load for hours', async () => {
    expect((await live.comesTo('layers', 'blocked')).message).toContain('number of layers is 4294967295');
  });

  test('a folder whose model is a link out of it says so', async () => {
    expect((await live.comesTo('linkout', 'blocked')).message).toContain('leads out of the folder');
  });

  test('what cannot be read and never stands still is told all the same', async () => {
    await live.comesTo('system', 'blocked');
  });

  test('a pipe in place of the settings holds nobody up, and is said once', async () => {
    const config = join(live.folder, 'modelium.yaml');
    const said = () => live.logged.filter((line) => line.includes('it is a pipe, not a regular file'));
    rmSync(config);
    execFileSync('mkfifo', [config]);
    await eventually('the sentence', () => said().length > 0);
    const { json } = await live.control('GET', '/control/settings');
    expect(json).toMatchObject({ given: null, problem: expect.stringContaining('The old settings stay in force.') });
    rmSync(config);
    writeFileSync(config, `api: {"port": 0, "cors_origins": ${'['.repeat(5_000)}`);
    await eventually('the other sentence', () => live.logged.some((line) => line.includes('nested more than 32 deep')));
    expect((await live.predict('tiny')).status).toBe(200);
    expect(said()).toHaveLength(1);
  });

  test.each([
    ['an image of 60 MB', { type: 'image_url', image_url: { url: `data:image/png;base64,${'B'.repeat(60_000_000)}` } }, 'image_url'],
    ['a sound of 60 MB', { type: 'input_audio', input_audio: { data: 'B'.repeat(60_000_000), format: 'wav' } }, 'input_audio'],
    ['a WAV of four billion samples in 65,535 channels', { type: 'input_audio', input_audio: { data: WAV, format: 'wav' } }, 'input_audio'],
  ])('%s, sent to a model of texts, is refused in words, and the model answers on', async (_what, part, words) => {
    const body = { messages: [{ role: 'user', content: [part] }], max_tokens: 2 };
    for (const [path, whole] of [
      ['/predict/tiny', body],
      ['/v1/chat/completions', { model: 'tiny', ...body }],
    ] as const) {
      const asked = live.ask('POST', path, whole);
      expect((await live.predict('tiny')).status).toBe(200);
      const { status, text } = await asked;
      expect([status, text]).toEqual([400, expect.stringContaining(words)]);
      expect(text.length).toBeLessThan(1_000);
    }
  });

  test('a state folder that somebody deletes is there again, and lets no second engine in', async () => {
    rmSync(live.state, { recursive: true });
    await eventually('the warning', () => live.logged.some((line) => line.includes('was deleted while Modelium runs')));
    expect(() => openStateFolder(live.state)).toThrow(
      `An engine already runs for the state folder ${live.state}: it is at ${live.address}`,
    );
    const client = await connect(live.state);
    expect((await client.get<'snapshot'>('/control/snapshot')).models.map(({ id }) => id)).toContain('tiny');
  });

  test('pipes and circles are no models: each is told what it is, and nobody opens them', async () => {
    const verdicts = {
      pipe: 'neither a file nor a folder',
      pipes: 'pipes/model.gguf is neither a file nor a folder',
      circle: 'links go in a circle',
    };
    for (const [id, words] of Object.entries(verdicts)) expect((await live.comesTo(id, 'blocked')).message, id).toContain(words);
    const { data } = (await live.ask('GET', '/v1/models')).json as { readonly data: readonly { readonly id: string }[] };
    expect(data.filter(({ id }) => /^(?:pipes?|circle)$/.test(id))).toEqual([]);
  });
});

test('a state folder that the system will not make is refused at once', () => {
  expect(() => openStateFolder('/proc/modelium/state')).toThrow(/\/proc\/modelium/);
});

test('a state folder is made with all that lies above it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-abuse-'));
  try {
    openStateFolder(join(folder, 'a', 'b', 'c')).close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
