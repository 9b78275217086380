/**
 * The settings in force, when what they name cannot be prepared. A real file, followed as the
 * engine follows it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineSettings } from '../../main/engine/settings.ts';
import { createClock } from '../../main/io/clock.ts';
import { loadSettings } from '../../main/io/settings/settings-file.ts';
import { eventually } from '../helpers/eventually.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(maxQueue: number): void {
  writeFileSync(join(folder, 'modelium.yaml'), JSON.stringify({ orchestration: { policies: { max_queue: maxQueue } } }), { mode: 0o600 });
}

test('new settings that cannot be prepared leave those before in force, and the next ones are read all the same', async () => {
  write(11);
  const places = { config: join(folder, 'modelium.yaml') };
  const settings = new EngineSettings(
    places,
    { port: 4711 },
    await loadSettings(places),
    createClock(() => {}),
  );
  const inForce = () => settings.current.orchestration.policies.max_queue;
  const errors: unknown[] = [];
  const applied: number[] = [];
  const refused = new Set([22]);
  const stop = settings.follow({
    log: { say: () => {}, warn: () => {}, debug: () => {}, error: (...said) => void errors.push(said) },
    async prepare() {
      if (refused.has(inForce())) throw new Error('the folder of vLLM is on a disk that fails');
    },
    apply: () => void applied.push(inForce()),
    after: async () => {},
    touch: () => {},
  });
  try {
    write(22);
    await eventually('the problem', () => settings.problem !== null);
    expect(settings.problem).toBe('The settings could not be put into force: the folder of vLLM is on a disk that fails');
    expect([inForce(), settings.current.api.port, errors.length]).toEqual([11, 4711, 1]);
    expect(applied).toEqual([]);
    write(33);
    await eventually('the next ones', () => inForce() === 33);
    expect([settings.problem, applied]).toEqual([null, [33]]);
  } finally {
    stop();
    await settings.close();
  }
});
