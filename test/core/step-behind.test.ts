/**
 * Work steps behind requests, and works all the same where it may not, or stands further back
 * already.
 */
import { spawnSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stepBehind } from '../../main/core/step-behind.ts';

/** A system where no process may come forward again: setpriority(2), without CAP_SYS_NICE. */
function system(nice: number) {
  const calls: number[] = [];
  return {
    calls,
    getPriority: () => nice,
    setPriority: (wanted: number) => {
      calls.push(wanted);
      if (wanted < nice) throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
    },
  };
}

describe('stepping behind', () => {
  it('goes back and never forward, and a system that refuses is no error', () => {
    const asked = [0, 4, 5, 10, 19].map((nice) => {
      const os = system(nice);
      stepBehind(os, 5);
      return os.calls;
    });
    expect(asked).toEqual([[5], [5], [], [], []]);
    const refuses = (): never => {
      throw new Error('no such call');
    };
    expect(() => stepBehind({ getPriority: refuses, setPriority: refuses }, 5)).not.toThrow();
  });

  // Whoever runs the tests as root may come forward: that right is given up first.
  it.runIf(process.platform === 'linux')('with `nice -n 12` each of our programs and threads starts, and stays there', () => {
    const ours = (name: string) => JSON.stringify(new URL(`../../main/${name}`, import.meta.url).href);
    const script = `
      import os from 'node:os';
      import { Worker } from 'node:worker_threads';
      const reader = await import(${ours('io/reader/reader-program.ts')});
      reader.answerQuestions(() => null);
      const preparer = await import(${ours('embedded/requests/preparer.ts')});
      preparer.answerPreparations(new Promise(() => {}));
      await import(${ours('embedded/convert/program.ts')});
      for (const program of [${['io/large-json-program.ts', 'io/images/image-program.ts', 'io/settings/settings-program.ts'].map(ours)}]) {
        const worker = new Worker(new URL(program), { execArgv: [] });
        await new Promise((resolve, reject) => worker.on('error', reject).on('message', resolve).postMessage({ id: 1, content: { bytes: new Uint8Array(1), bounds: {}, images: [], tensor: { shape: [] }, input: {} } }));
        await worker.terminate();
      }
      console.log('all work at', os.getPriority());
      process.exit();
    `;
    const node = [process.execPath, '--input-type=module', '--eval', script];
    const niced = ['nice', '-n', '12', ...node];
    const [program = '', ...args] = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-sys_nice', ...niced] : niced;
    const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) });
    expect(stderr.replaceAll(/\(node:\d+\) .*Warning.*\n?.*\n?/g, '')).toBe('');
    expect(stdout.trim()).toBe(`all work at ${Math.min(19, getPriority() + 12)}`);
  });
});
