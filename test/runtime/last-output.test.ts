/** What a runtime said last, for the log of its model and for errors. */
import { expect, test } from 'vitest';
import { LastOutput } from '../../main/runtime/last-output.ts';
import { launchSecrets } from '../../main/runtime/launch-secrets.ts';

const SECRET = 'hunter2-the-secret';

test('no secret of its launch is kept, and no variable is quoted in an error', () => {
  const output = new LastOutput();
  const heard: string[] = [];
  output.follow((line) => heard.push(line));
  output.hide(
    launchSecrets(['--hf-token', `${SECRET}-1`, `--api-key=${SECRET}-2`, '--token-ms', '12345678', '--port', '8000'], {
      MY_PASSWORD: SECRET,
      DATA_FOLDER: '/data/of/mine',
      THREADS: '8',
    }),
  );
  output.add(`argv: ${SECRET}-1 and ${SECRET}-2, environ: ${SECRET} in /data/of/mine with 8 of 12345678 at 8000`);
  output.add('unknown argument: --api-key=other-key; see https://me:other-password@host/ and https://other-key@host/');
  const kept = [
    'argv: [redacted] and [redacted], environ: [redacted] in /data/of/mine with 8 of 12345678 at 8000',
    'unknown argument: --api-key=[redacted]; see https://me:[redacted]@host/ and https://[redacted]@host/',
  ];
  expect([output.all(), output.ofThisLaunch(), heard]).toEqual([kept, kept, kept]);
  expect(output.lines()).toEqual([kept[0]?.replace('/data/of/mine', '[redacted]'), kept[1]]);
});

test('what an error quotes holds no value of an argument that the settings add, and the flags themselves', () => {
  const output = new LastOutput();
  const settings = {
    llama: { args: ['--folder=/folder/of/mine', '--flag', 'word-of-mine', '8'] },
    models: { a: { args: ['other-of-mine'] } },
  };
  output.hide(launchSecrets(['--model', '/watch/model.gguf'], { PLACE: '/place/of/mine' }, settings));
  const words = 'unknown argument --flag: word-of-mine, other-of-mine, 8, /folder/of/mine for /watch/model.gguf in /place/of/mine';
  output.add(words);
  const quoted = 'unknown argument --flag: [redacted], [redacted], 8, [redacted] for /watch/model.gguf in [redacted]';
  expect([output.all(), output.lines(), output.quotable(words)]).toEqual([[words], [quoted], quoted]);
});

test('a value of several lines is hidden line by line, as it is printed', () => {
  const output = new LastOutput();
  const key = ['-----BEGIN KEY-----', 'first-part-of-it', '  second-part-of-it', 'short', ''].join('\n');
  output.hide(launchSecrets([], { SERVICE_KEY: key, PLACES: '/one/of/mine\r\n/other/of/mine' }));
  for (const line of [...key.split('\n').slice(1), `environ: ${JSON.stringify(key)}`, '/one/of/mine', '/other/of/mine']) output.add(line);
  expect(output.all().slice(0, 3)).toEqual(['[redacted]', '  [redacted]', 'short']);
  expect(output.all().at(-3)).toBe('environ: "[redacted]"');
  expect(output.lines().slice(-2)).toEqual(['[redacted]', '[redacted]']);
});

test('a value is hidden where it is printed as JSON, too', () => {
  const output = new LastOutput();
  const [word, value] = ['my "word" here', 'C:\\of\\mine'];
  output.hide(launchSecrets([], { PLACE: value }, { llama: { args: [word] } }));
  output.add(JSON.stringify([word, value]));
  expect(output.lines()).toEqual(['["[redacted]","[redacted]"]']);
});
