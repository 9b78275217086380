/** A LoRA dropped before its base, on a real engine and real files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinySafetensors } from './helpers/code-model.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';

let live: LiveEngine;

beforeAll(async () => {
  live = await startLiveEngine({
    settings: { orchestration: { model_discovery: { scan_interval_seconds: 1 }, policies: { load: 'on_request' } } },
    prepare: ({ watch }) => {
      const folder = join(watch, 'tiny-lora');
      mkdirSync(folder);
      writeFileSync(join(folder, 'adapter_model.safetensors'), tinySafetensors());
      const config = { peft_type: 'LORA', base_model_name_or_path: 'someone/Tiny-Base', r: 8, target_modules: ['q_proj'] };
      writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(config));
    },
  });
});
afterAll(() => live.close());

const becomes = (reason: string) =>
  eventually(`the LoRA is blocked: ${reason}`, async () => {
    const model = await live.model('tiny-lora');
    return model?.blockedReason === reason && model;
  });

test('a LoRA waits for its base, says what serves it when that comes, and waits again when it leaves', async () => {
  const alone = await becomes('needs-base');
  expect(alone.message).toContain('someone/Tiny-Base');
  const base = await live.drop('Tiny-Base');
  await live.comesTo('Tiny-Base', 'unloaded');
  const based = await becomes('no-runtime');
  expect(based.message).toContain('an adapter');
  expect(based.help).toContain('vLLM serves adapters');
  rmSync(base);
  await becomes('needs-base');
});
