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
  output.add('unknown argument: --api-key=other-key; see https://me:other-password@host/');
  const kept = [
    'argv: [redacted] and [redacted], environ: [redacted] in /data/of/mine with 8 of 12345678 at 8000',
    'unknown argument: --api-key=[redacted]; see https://me:[redacted]@host/',
  ];
  expect([output.all(), output.ofThisLaunch(), heard]).toEqual([kept, kept, kept]);
  expect(output.lines()).toEqual([kept[0]?.replace('/data/of/mine', '[redacted]'), kept[1]]);
});
