import { expect, test } from 'vitest';
import { withoutSecrets } from '../../main/http/secrets.ts';
import { settingsJsonSchema } from '../../shared/settings.ts';
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
    asked: ['openai', '/health?code=of-mine', 'name'],
  };
  setup.engine.snapshot = { ...setup.engine.snapshot, models: [modelView('tiny', { plan })] };
  try {
    for (const path of ['/status', '/models']) {
      const { text, json } = await ask(setup, path);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain('OMP_NUM_THREADS');
      expect(json.models[0].plan).toMatchObject({ args: [], env: {}, asked: [], contextTokens: 2_048 });
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

test.each<[string, unknown, unknown]>([
  [
    'numbers among the arguments',
    { args: ['--api-key', SECRET, '--port', 8000, '--password', 1234] },
    { args: ['--api-key', '[hidden]', '--port', 8000, '--password', '[hidden]'] },
  ],
  ['a command line in one text', { args: `--api-key ${SECRET}  --port=1` }, { args: '--api-key [hidden]  --port=1' }],
  ['arguments by name', { args: { '--api-key': SECRET, '--port': 1 } }, { args: { '--api-key': '[hidden]', '--port': 1 } }],
  ['numbers among the variables', { env: { OMP_NUM_THREADS: 8, HF_TOKEN: SECRET } }, { env: { OMP_NUM_THREADS: 8, HF_TOKEN: '[hidden]' } }],
  ['a list of variables', { env: ['A=1', `HF_TOKEN=${SECRET}`] }, { env: ['A=1', 'HF_TOKEN=[hidden]'] }],
  ['one variable', { env: `HF_TOKEN=${SECRET}` }, { env: 'HF_TOKEN=[hidden]' }],
  ['a secret of many parts', { env: { MY_SECRET: [SECRET] } }, { env: { MY_SECRET: '[hidden]' } }],
  [
    'a key in the file itself',
    { remotes: { lab: { url: 'http://lab', key: SECRET } }, models: { key: { aliases: ['token'] } } },
    { remotes: { lab: { url: 'http://lab', key: '[hidden]' } }, models: { key: { aliases: ['token'] } } },
  ],
  ['a header', { args: ['--header', `Authorization: Bearer ${SECRET}`] }, { args: ['--header', 'Authorization: Bearer [hidden]'] }],
  ['a key in place of a user', { env: { DSN: `https://${SECRET}@host/1` } }, { env: { DSN: 'https://[hidden]@host/1' } }],
  [
    'an address in a plan of Ray',
    { args: [`{"source":{"at":"https://me:${SECRET}@host/x.zip"}}`] },
    { args: ['{"source":{"at":"https://[hidden]@host/x.zip"}}'] },
  ],
])('a file of settings hides no less where it is wrong: %s', (_, given, shown) => {
  expect(JSON.parse(JSON.stringify({ given }, withoutSecrets))).toEqual({ given: shown });
});

test('what describes the settings stays as it is', () => {
  expect(JSON.parse(JSON.stringify(settingsJsonSchema(), withoutSecrets))).toEqual(settingsJsonSchema());
});
