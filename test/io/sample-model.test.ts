/** Fetching the sample model, with programs of ours in place of pip. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownMark } from '../../main/io/processes/proc.ts';
import { type Fetcher, fetchSampleModel, sweepFetches } from '../../main/io/sample-model.ts';
import { eventually } from '../helpers/eventually.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'modelium-sample-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const started = (): readonly string[] => {
  const file = join(cache, 'started');
  // The file is there a moment before the number in it.
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
};
/** Writes down its number, and does as it is told until it is ended. */
const fetcher = (then: string): Fetcher => ({
  name: 'sh',
  command: (folder) => ['sh', '-c', `echo $$ >> ${join(cache, 'started')}; ${then.replaceAll('FOLDER', folder)}`],
});
const left = (): readonly string[] => readdirSync(join(cache, 'models'));
const isAlive = (pid: string | undefined): boolean => existsSync(`/proc/${pid}`);

test('two who ask get one fetch; one that leaves ends nothing', async () => {
  const fetchers = [fetcher('while [ ! -e ../../go ]; do sleep 0.01; done')];
  const first = new AbortController();
  const asked = [fetchSampleModel(cache, { fetchers, signal: first.signal }), fetchSampleModel(cache, { fetchers })];
  const outcomes = Promise.allSettled(asked);
  await eventually('it runs', () => started().length === 1);
  first.abort();
  await expect(asked[0]).rejects.toMatchObject({ code: 'cancelled' });
  expect(isAlive(started()[0])).toBe(true);
  writeFileSync(join(cache, 'go'), '');
  expect((await outcomes)[1]).toMatchObject({ status: 'rejected', reason: { code: 'sample-unavailable' } });
  expect(started()).toHaveLength(1);
  expect(left()).toEqual([]);
});

test('when the last has left, the program is gone, even one that minds no signal, and so is what it wrote', async () => {
  // It writes anew what is taken away from under it.
  const fetchers = [fetcher("trap '' TERM; while :; do mkdir -p FOLDER/half; : > FOLDER/half/model; done")];
  const leaving = new AbortController();
  const asked = fetchSampleModel(cache, { fetchers, signal: leaving.signal });
  await eventually('it runs', () => started().length === 1);
  leaving.abort();
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  await eventually('nothing is left', () => !isAlive(started()[0]) && left().length === 0);
  // Who asks next gets a fetch of its own.
  await expect(fetchSampleModel(cache, { fetchers: [fetcher('exit 3')] })).rejects.toMatchObject({ code: 'sample-unavailable' });
  expect(started()).toHaveLength(2);
});

test('a program that fetches for an engine that was killed is ended by the next one, and what it wrote is gone', async () => {
  const writes = `echo $$ >> ${join(cache, 'started')}; while [ -e ${join(cache, 'started')} ]; do mkdir -p FOLDER/half; : > FOLDER/half/model; sleep 0.01; done`;
  const script = `
    import { fetchSampleModel } from ${JSON.stringify(join(import.meta.dirname, '../../main/io/sample-model.ts'))};
    const command = (folder) => ['sh', '-c', ${JSON.stringify(writes)}.replaceAll('FOLDER', folder)];
    await fetchSampleModel(${JSON.stringify(cache)}, { fetchers: [{ name: 'sh', command }] });`;
  const engine = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
  await eventually('it fetches', () => started().length === 1 && left().length === 1);
  engine.kill('SIGKILL');
  await once(engine, 'exit');
  const [pid] = started();
  expect(isAlive(pid)).toBe(true);
  await sweepFetches(cache);
  await eventually('it is gone', () => !isAlive(pid));
  expect(left()).toEqual([]);
});

test('what a fetch has left whose process was killed is swept; that of one that runs stays', async () => {
  const models = join(cache, 'models');
  // The number of a killed one may have been given to another process since.
  for (const name of ['fetching-9999999-1-abc/half', `fetching-${process.pid}-1-abc/half`, `fetching-${ownMark()}-abc`])
    mkdirSync(join(models, name), { recursive: true });
  await sweepFetches(cache);
  expect(left()).toEqual([`fetching-${ownMark()}-abc`]);
});
