/**
 * Models that servers of others offer: listed, asked, never loaded, evicted or written down; away,
 * back, gone, colliding. On the simulated box.
 */
import { describe, expect, test } from 'vitest';
import { stateOf } from '../../main/core/registry.ts';
import { toModeliumError } from '../../shared/errors.ts';
import { GIB } from '../../shared/units.ts';
import { type CoreBox, createCoreBox } from '../helpers/core-box.ts';
import { FULL } from '../helpers/full.ts';

async function pass(box: CoreBox, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await box.clock.advance(250);
    box.sample();
  }
}

type Options = Omit<Parameters<typeof createCoreBox>[0], 'gpus'>;

async function boxWith(options: Options, change: (box: CoreBox) => void = () => {}): Promise<CoreBox> {
  const box = createCoreBox({ gpus: [24 * GIB], serves: (form) => form.kind === 'gguf', ...options });
  change(box);
  await pass(box, 3_000);
  return box;
}

async function ask(box: CoreBox, name: string): Promise<string> {
  const id = box.registry.resolve(name);
  if (id === null) return 'unknown';
  try {
    const lease = await box.waitingRoom.ensureReady(id, { signal: new AbortController().signal });
    lease.release();
    return `${lease.endpoint.model} at ${'url' in lease.endpoint.at ? lease.endpoint.at.url : 'this machine'}${lease.endpoint.prefix}`;
  } catch (thrown) {
    return toModeliumError(thrown).message;
  }
}

const lab = { name: 'lab' };
/** Lists of other names, one after the other: without a bound the second goes beyond it. */
const ROUNDS = FULL ? 4 : 2;
const message = (box: CoreBox, name: string) => stateOf(box.registry.get(box.registry.resolve(name) ?? ''), 'blocked')?.message;

describe('a server elsewhere', () => {
  test('has its models here by their names, ready at once, without a byte of this box, for as long as it is there', async () => {
    const box = await boxWith({ remotes: [{ ...lab, prefix: 'lab/' }] });
    expect([await ask(box, 'lab/alpha'), await ask(box, 'lab-alpha')]).toEqual([
      'alpha at http://lab.test/v1',
      'alpha at http://lab.test/v1',
    ]);
    expect(box.registry.get('lab-text-embedding-small')?.profile?.kind).toBe('embedding');
    const ready = stateOf(box.registry.get('lab-alpha'), 'ready');
    expect([ready?.devices, ready?.measured, ready?.plan.placement.where]).toEqual([[], {}, 'lab']);
    expect(box.decisions.find(({ modelId }) => modelId === 'lab-alpha')?.sentence).toBe('At lab: takes no memory here');
    // Hours of idleness, and a model that wants all of the box.
    box.drop('big', 23 * GIB, 'person');
    await pass(box, 400_000);
    expect([box.state('lab-alpha'), box.state('big')]).toEqual(['ready', 'unloaded']);
    expect(box.remote.asked.every((each) => each === 'GET /v1/models')).toBe(true);
    // Once in a quarter of a minute, and nothing else.
    expect(box.remote.asked.length).toBeLessThan(403 / 15 + 2);
    expect(box.ledger.remembered()).toEqual([]);
  });

  test('that is away says so in place of an answer, is asked more and more seldom, and is back by itself', async () => {
    const box = await boxWith({ remotes: [lab] });
    const [open] = [await box.waitingRoom.ensureReady('alpha', { signal: new AbortController().signal })];
    box.world.remoteIsAway = true;
    await pass(box, 16_000);
    // What is in flight ends first.
    expect([box.state('alpha'), open?.cut.aborted]).toEqual(['draining', false]);
    open?.release();
    await pass(box, 1_000);
    expect([box.state('alpha'), message(box, 'alpha')]).toEqual(['blocked', 'lab does not answer: nothing listens there.']);
    expect(await ask(box, 'alpha')).toMatch(/^alpha cannot be served: lab does not answer: nothing listens there\. Modelium asks it again/);
    await pass(box, 600_000);
    expect(box.decisions.filter(({ action, modelId }) => action === 'refuse' && modelId === 'alpha')).toHaveLength(1);
    box.world.remoteIsAway = false;
    await pass(box, 61_000);
    expect(await ask(box, 'alpha')).toBe('alpha at http://lab.test/v1');
  });

  test('that does not come back has what is in flight cut at the end of its time, and told why', async () => {
    const box = await boxWith({ remotes: [lab] });
    const held = await box.waitingRoom.ensureReady('alpha', { signal: new AbortController().signal });
    box.world.remoteIsAway = true;
    await pass(box, 16_000);
    expect(held.cut.aborted).toBe(false);
    await pass(box, 31_000);
    expect(held.cut.reason).toMatchObject({
      code: 'upstream-failed',
      message: 'remote failed while it answered a request to alpha: lab does not answer: nothing listens there.',
    });
    held.release();
    await pass(box, 1_000);
    expect(box.state('alpha')).toBe('blocked');
  });

  test('that refuses the key, redirects, or is no such server is told apart', async () => {
    const box = await boxWith({ remotes: [lab] });
    const answers = async (status: number, body: string, headers: Record<string, string> = {}) => {
      box.remote.instead = { status, headers, body };
      await pass(box, 80_000);
      return message(box, 'alpha');
    };
    const reported = [
      await answers(401, '{}'),
      await answers(302, '', { location: 'http://evil.test' }),
      await answers(404, 'not found'),
      await answers(200, '<html>'),
      await answers(503, ''),
      await answers(200, JSON.stringify({ data: 'x'.repeat(2 * 1024 * 1024) })),
    ];
    expect(reported).toEqual([
      'lab wants a key (status 401).',
      'lab redirects to another address (status 302), which Modelium does not follow.',
      'lab has no list of models (status 404).',
      'lab answers, but not with a list of models.',
      'lab cannot answer now (status 503).',
      'lab answers, but not with a list of models.',
    ]);
  });

  test('that does not offer a model any more, or never did, says which it offers', async () => {
    const box = await boxWith({ remotes: [{ ...lab, models: ['alpha', 'beta'] }] });
    expect(message(box, 'beta')).toBe('lab does not offer beta. It offers alpha, text-embedding-small.');
    box.remote.models = ['beta'];
    await pass(box, 16_000);
    expect([await ask(box, 'beta'), message(box, 'alpha')]).toEqual([
      'beta at http://lab.test/v1',
      'lab does not offer alpha. It offers beta.',
    ]);
    const all = await boxWith({ remotes: [lab] });
    all.remote.models = [];
    await pass(all, 16_000);
    expect(await ask(all, 'alpha')).toMatch(/lab no longer offers alpha/);
    all.remote.models = ['alpha'];
    await pass(all, 16_000);
    expect(await ask(all, 'alpha')).toBe('alpha at http://lab.test/v1');
  });

  test('whose models are named in the settings has them known before it ever answered', async () => {
    const box = await boxWith(
      { remotes: [{ ...lab, models: ['alpha'] }] },
      (made) => void Object.assign(made.world, { remoteIsAway: true }),
    );
    expect(await ask(box, 'alpha')).toMatch(/lab does not answer/);
  });

  test('cannot take a name from a model here, nor from another server: its own stands before it, and that is told', async () => {
    const box = createCoreBox({ gpus: [24 * GIB], serves: (form) => form.kind === 'gguf', remotes: [lab, { name: 'attic' }] });
    box.drop('alpha', GIB, 'person');
    await pass(box, 3_000);
    expect(await ask(box, 'alpha')).toBe('alpha at this machine/v1');
    expect([await ask(box, 'lab/alpha'), await ask(box, 'attic/alpha')]).toEqual([
      'alpha at http://lab.test/v1',
      'alpha at http://attic.test/v1',
    ]);
    expect(box.logged.filter((line) => line.includes('because alpha is another model'))).toHaveLength(2);
  });

  test('is believed in names alone: hostile ones, thousands of them, and lists of lists come to nothing', async () => {
    const box = await boxWith({ remotes: [lab] }, ({ remote }) => {
      const bad = ['', 'a\nb', 'x'.repeat(10_000), '\u202Ereversed', { id: 7 }, { name: 'none' }, { id: 'chained', remote: 'other' }];
      remote.models = [...(bad as string[]), ...Array.from({ length: 1_000 }, (_, index) => `m${index}`)];
    });
    expect([...box.registry.all()]).toHaveLength(200);
    expect([await ask(box, 'm0'), await ask(box, 'chained')]).toEqual(['m0 at http://lab.test/v1', 'unknown']);
    // Another thousand each time: what is known stays bounded.
    for (let round = 0; round < ROUNDS; round += 1) {
      box.remote.models = Array.from({ length: 1_000 }, (_, index) => `r${round}-${index}`);
      await pass(box, 16_000);
    }
    const names = [...box.registry.all()].map(({ server }) => server?.model);
    // The newest are among them: what is offered no more made room.
    expect([names.length <= 400, names.includes(`r${ROUNDS - 1}-0`)]).toEqual([true, true]);
  });

  test('that is slow goes on serving, and is told to be slow as long as it is', async () => {
    const box = await boxWith({ remotes: [lab] });
    expect(box.view('alpha')?.message).toBe('ready at lab');
    box.world.remoteMs = 7_000;
    await pass(box, 25_000);
    expect([box.view('alpha')?.message, box.state('alpha')]).toEqual([
      'ready at lab; lab answers slowly: its list of models took 7 s',
      'ready',
    ]);
    box.world.remoteMs = 0;
    await pass(box, 30_000);
    expect(box.view('alpha')?.message).toBe('ready at lab');
  });

  test('whose settings change is asked anew, and its models are there again with what is said now', async () => {
    const box = await boxWith({ remotes: [lab] });
    box.changeRemotes({ key: 'another' });
    await pass(box, 500);
    expect([box.state('alpha'), await ask(box, 'alpha')]).toEqual(['ready', 'alpha at http://lab.test/v1']);
    expect(stateOf(box.registry.get('alpha'), 'ready')?.endpoint.key).toBe('another');
    expect(box.registry.get('alpha')?.attempts).toBe(0);
  });

  test('whose settings name another place, other models or another prefix: what is here follows', async () => {
    const box = await boxWith({ remotes: [lab] });
    box.changeRemotes({ where: 'the new lab', settings: { models: ['alpha'] } });
    await pass(box, 1_000);
    expect([...box.registry.all()].map(({ id, path, server }) => [id, path, server?.where])).toEqual([
      ['alpha', 'the new lab alpha', 'the new lab'],
    ]);
    box.changeRemotes({ where: 'the new lab', settings: { models: ['alpha'], prefix: 'lab/' } });
    await pass(box, 20_000);
    expect([...box.registry.all()].map(({ id }) => id)).toEqual(['lab-alpha']);
    expect(await ask(box, 'lab/alpha')).toBe('alpha at http://lab.test/v1');
  });

  test('that the settings name no more takes its models along', async () => {
    const box = await boxWith({ remotes: [lab] });
    box.forgetRemotes();
    await pass(box, 1_000);
    expect([...box.registry.all()]).toEqual([]);
  });

  test('is of no use to a model that lies here, and is not spoken of in its decisions', async () => {
    const box = await boxWith({ remotes: [lab] }, (made) => made.drop('a', GIB, 'person'));
    expect(
      box.decisions
        .filter(({ modelId }) => modelId === 'a')
        .flatMap(({ candidates }) => candidates)
        .some(({ plan }) => plan.runtime === 'remote'),
    ).toBe(false);
  });
});
