/**
 * A file that makes llama.cpp abort ends its own process only, and the error shows the assertion.
 * The real llama.cpp in a whole engine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import { startTestEngine } from './helpers/engine.ts';

/** A header's whole number, set to another. */
function spoilt(name: string, key: string, value: number): { readonly name: string; readonly bytes: Buffer } {
  const bytes = Buffer.from(tinyModel()[0]!.bytes);
  const at = Buffer.from(key);
  bytes.writeUInt32LE(value, bytes.indexOf(at) + at.length + 4);
  return { name, bytes };
}

test('the assertion is the model’s error, and other models answer on', async (context) => {
  const engine = await startTestEngine({ gpus: { use: 'none' } });
  context.onTestFinished(() => engine.close());
  await engine.drop('sound');
  await engine.waitFor('sound', 'ready');
  const hostile = [
    // More experts than llama.cpp has room for: GGML_ASSERT, and with it SIGABRT.
    { name: 'experts', bytes: tinyModel({ metadata: { 'llama.expert_count': { type: 'u32', value: 100_000 } } })[0]!.bytes },
    // No key-value heads, once an assertion and by now an error of the loader.
    spoilt('heads', 'llama.attention.head_count_kv', 0),
  ];
  for (const { name, bytes } of hostile) writeFileSync(join(engine.watched, `${name}.gguf`), bytes);
  expect((await engine.waitFor('experts', 'failed')).message).toMatch(/stopped at an internal check: GGML_ASSERT\(.*n_expert.*damaged/);
  expect((await engine.waitFor('heads', 'failed')).message).toMatch(/cannot load the file: .*wrong shape/);
  const logs = JSON.stringify((await engine.control('GET', '/logs?model=experts')).body);
  expect(logs).toMatch(/GGML_ASSERT/);
  expect(await engine.predict('sound')).toMatchObject({ status: 200, error: null });
  expect(await engine.predict('experts')).toMatchObject({ status: 503, error: { message: expect.stringMatching(/GGML_ASSERT/) } });
});
