import { expect, test } from 'vitest';
import { ask, modelView, startSetup, WITH_TOKEN } from './harness.ts';

const SECRET = 'hunter2-the-secret';

test('nobody learns how a model is started without the token, and nobody learns a secret with it', async () => {
  const setup = await startSetup();
  const plan = {
    ...modelView('tiny').plan!,
    args: [
      '--threads',
      '8',
      '--api-key',
      SECRET,
      `--hf-token=${SECRET}`,
      '--proxy',
      `http://me:${SECRET}@proxy`,
      '--lora',
      'token-file',
      '--tokenizer',
      'mine',
      '--token-ms',
      '1',
    ],
    env: { OMP_NUM_THREADS: '8', HF_TOKEN: SECRET, AWS_SECRET_ACCESS_KEY: SECRET, HTTPS_PROXY: `http://me:${SECRET}@proxy:80` },
  };
  setup.engine.snapshot = { ...setup.engine.snapshot, models: [modelView('tiny', { plan })] };
  try {
    for (const path of ['/status', '/models']) {
      const { text, json } = await ask(setup, path);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain('OMP_NUM_THREADS');
      expect(json.models[0].plan).toMatchObject({ args: [], env: {}, contextTokens: 2_048 });
    }
    for (const path of ['/control/snapshot', '/control/models/tiny']) {
      const { text, json } = await ask(setup, path, { headers: WITH_TOKEN });
      expect(text).not.toContain(SECRET);
      expect((json.model ?? json.models[0]).plan).toMatchObject({
        args: [
          '--threads',
          '8',
          '--api-key',
          '[hidden]',
          '--hf-token=[hidden]',
          '--proxy',
          'http://[hidden]@proxy',
          '--lora',
          'token-file',
          '--tokenizer',
          'mine',
          '--token-ms',
          '1',
        ],
        env: { OMP_NUM_THREADS: '8', HF_TOKEN: '[hidden]', AWS_SECRET_ACCESS_KEY: '[hidden]', HTTPS_PROXY: 'http://[hidden]@proxy:80' },
      });
    }
    const events = (await fetch(`${setup.address}/control/events`, { headers: WITH_TOKEN })).body!.getReader();
    const first = Buffer.from((await events.read()).value!).toString();
    expect(first).toContain('OMP_NUM_THREADS');
    expect(first).not.toContain(SECRET);
    await events.cancel();
  } finally {
    await setup.close();
  }
});
