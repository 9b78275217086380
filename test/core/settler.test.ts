/**
 * The settler by itself: one look at a time, and no answer of a look counts for a model that has
 * moved on meanwhile. On a virtual clock, with a reader whose answers a test gives.
 */
import { describe, expect, test } from 'vitest';
import { Settler } from '../../main/core/notice/settler.ts';
import type { Inspection } from '../../main/core/ports.ts';
import { Registry } from '../../main/core/registry.ts';
import type { ModelState } from '../../shared/model.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const PROFILE = { kind: 'chat' } as ModelProfile;
const RESTED: Extract<ModelState, { name: 'unloaded' }> = { name: 'unloaded', reason: 'not-asked', atMs: 0 };

function inspection(bytes: number, more: Partial<Inspection> = {}): Inspection {
  const isWhole = bytes >= 1000;
  return {
    files: [{ path: 'm.gguf', bytes, mtimeMs: bytes, device: 1, inode: 2 }],
    copy: { bytesPresent: bytes, bytesExpected: 1000, missing: isWhole ? [] : ['m.gguf'] },
    whole: isWhole,
    usable: isWhole,
    zeroTails: [],
    writer: null,
    damage: null,
    unreadable: null,
    profile: isWhole ? PROFILE : null,
    ...more,
  };
}

interface Pending {
  readonly force: boolean;
  readonly last?: Inspection | null;
  readonly signal: AbortSignal;
  answer(inspection: Inspection): Promise<void>;
  fail(error: Error): Promise<void>;
}

function createBox(known: Extract<ModelState, { name: 'unloaded' }> | null = null, force = false) {
  const clock = createVirtualClock();
  const registry = new Registry();
  const looks: Pending[] = [];
  const errors: string[] = [];
  const said: string[] = [];
  const events: string[] = [];
  const asked: string[] = [];
  const settler = new Settler({
    registry,
    clock,
    log: { say: (sentence) => void said.push(sentence), warn: () => {}, error: (sentence) => void errors.push(sentence), debug: () => {} },
    library: {
      inspect: (_path, options) =>
        new Promise((resolve, reject) => {
          looks.push({
            ...options,
            async answer(seen) {
              resolve(seen);
              await clock.advance(0);
            },
            async fail(error) {
              reject(error);
              await clock.advance(0);
            },
          });
        }),
    },
    known(record) {
      asked.push(record.state.name);
      return known;
    },
  });
  registry.onChange(({ event }) => {
    if (event !== null) events.push(event.type);
    // As the orchestrator does.
    const name = registry.get('a')?.state.name;
    if (name === 'discovered' || name === 'settling') settler.follow('a');
  });
  registry.add({ id: 'a', aliases: [], path: '/m/a', realPath: '/m/a', kind: 'file', added: false, device: 1, inode: 2, files: [], force });
  const state = () => registry.get('a')?.state.name;
  return { clock, registry, settler, looks, errors, said, events, asked, state };
}

describe('looks at one model', () => {
  test('are never two at once; what changes meanwhile is looked at in the same moment', async () => {
    const box = createBox();
    box.settler.inspect('a');
    box.settler.inspect('a');
    expect(box.looks).toHaveLength(1);
    await box.looks[0]?.answer(inspection(10));
    expect(box.looks).toHaveLength(2);
    // Nothing changed since: the next look has its time.
    await box.looks[1]?.answer(inspection(10));
    expect(box.looks).toHaveLength(2);
    expect(box.clock.nextIn()).toBeGreaterThan(0);
    box.settler.follow('a');
    expect(box.looks).toHaveLength(2);
  });

  test('are not taken of one that has settled', async () => {
    const box = createBox();
    const first = inspection(1000);
    await box.looks[0]?.answer(first);
    await box.clock.advance(500);
    // What is still the same need not be read again.
    expect(box.looks.map(({ last }) => last)).toEqual([null, first]);
    await box.looks.at(-1)?.answer(inspection(1000));
    await box.clock.advance(500);
    await box.looks.at(-1)?.answer(inspection(1000));
    expect([box.state(), box.clock.pending]).toEqual(['analyzed', 0]);
    const before = box.looks.length;
    box.settler.inspect('a');
    expect(box.looks).toHaveLength(before);
  });

  test('tell a copy that goes on, and say nothing where nothing moved', async () => {
    const box = createBox();
    for (const bytes of [10, 10, 20]) {
      await box.looks.at(-1)?.answer(inspection(bytes));
      await box.clock.advance(box.clock.nextIn() ?? 0);
    }
    expect(box.events).toEqual(['listed', 'copied']);
  });

  test('a person who says "load anyway" is heard by the reader and by the verdict', async () => {
    const box = createBox(null, true);
    expect(box.looks[0]?.force).toBe(true);
    const zeros = inspection(1000, { zeroTails: ['m.gguf: w'] });
    for (let look = 0; look < 3; look += 1) {
      await box.looks.at(-1)?.answer(zeros);
      await box.clock.advance(500);
    }
    expect(box.state()).toBe('analyzed');
  });

  test('what cannot be read is never listed as a copy', async () => {
    const box = createBox();
    const shut = inspection(10, { unreadable: 'no right' });
    await box.looks[0]?.answer(shut);
    expect([box.state(), box.events, box.errors]).toEqual(['discovered', [], []]);
    for (let look = 0; look < 3; look += 1) {
      await box.clock.advance(500);
      await box.looks.at(-1)?.answer(shut);
    }
    expect(box.registry.get('a')?.state).toMatchObject({ name: 'blocked', reason: 'unreadable', message: 'no right' });
  });
});

describe('a refusal', () => {
  const CHANGED = { type: 'files-changed', copy: inspection(10).copy } as const;

  /** Its files stand still as they are seen here, until they have a verdict. */
  async function settled(box: ReturnType<typeof createBox>, seen: Inspection): Promise<void> {
    for (let look = 0; look < 9 && (box.state() === 'discovered' || box.state() === 'settling'); look += 1) {
      await box.looks.at(-1)?.answer(seen);
      await box.clock.advance(500);
    }
  }

  test('is said once, however often its files change, and again when it is another one', async () => {
    const box = createBox();
    for (const why of ['a pipe', 'a pipe', 'a pipe', 'no right', 'a pipe']) {
      await settled(box, inspection(10, { unreadable: why }));
      expect(box.registry.get('a')?.state).toMatchObject({ name: 'blocked', message: why });
      box.registry.apply('a', CHANGED);
    }
    expect(box.said).toEqual(['a pipe', 'no right', 'a pipe'].map((why) => `a is not served: ${why}`));
  });

  test('is said again when the model could be served in between, or was gone', async () => {
    const box = createBox();
    const shut = inspection(10, { unreadable: 'no right' });
    await settled(box, shut);
    box.registry.apply('a', CHANGED);
    await settled(box, inspection(1000));
    expect(box.state()).toBe('analyzed');
    box.registry.apply('a', { type: 'rested', reason: 'not-asked', atMs: 0 });
    box.registry.apply('a', CHANGED);
    await settled(box, shut);
    expect(box.said).toHaveLength(2);
    box.registry.apply('a', { type: 'gone' });
    box.registry.add({ id: 'a', aliases: [], path: '/m/a', realPath: '/m/a', kind: 'file', added: false, device: 1, inode: 2, files: [] });
    await settled(box, shut);
    expect(box.said).toHaveLength(3);
  });
});

describe('an answer that comes too late', () => {
  // Each abort makes an error with its stack, and hundreds of models get their verdicts at once.
  test('does not come of a model that has its verdict: nothing of it is called off', async () => {
    const box = createBox();
    await box.looks[0]?.answer(inspection(1000));
    await box.clock.advance(500);
    await box.looks[1]?.answer(inspection(1000));
    expect(box.state()).toBe('analyzed');
    box.settler.leave('a');
    expect(box.looks.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  test.each(['answers', 'fails'] as const)('of a model that was left: its reading is called off, and it %s in vain', async (how) => {
    const box = createBox();
    const [look] = box.looks;
    box.settler.leave('a');
    expect(look?.signal.aborted).toBe(true);
    await (how === 'answers' ? look?.answer(inspection(10)) : look?.fail(new Error('aborted')));
    expect([box.state(), box.events, box.errors, box.clock.pending]).toEqual(['discovered', [], [], 0]);
  });

  test.each(['answers', 'fails'] as const)('of a model that is analyzed by now: it %s in vain', async (how) => {
    const box = createBox();
    const [look] = box.looks;
    box.registry.apply('a', { type: 'listed', copy: inspection(1000).copy });
    box.registry.apply('a', { type: 'analyzed' });
    await (how === 'answers' ? look?.answer(inspection(10)) : look?.fail(new Error('broken')));
    expect([box.state(), box.clock.pending]).toEqual(['analyzed', 0]);
  });

  test('whoever leaves takes the next look along', async () => {
    const box = createBox();
    await box.looks[0]?.answer(inspection(10));
    expect(box.clock.pending).toBe(1);
    box.settler.leave('a');
    expect(box.clock.pending).toBe(0);
    // And it can be followed anew.
    box.settler.follow('a');
    expect(box.looks).toHaveLength(2);
  });
});

describe('content that was served before', () => {
  test('is recognised at the first whole look, and read no more', async () => {
    const box = createBox(RESTED);
    await box.looks[0]?.answer(inspection(1000));
    expect([box.state(), box.registry.get('a')?.profile, box.looks.length]).toEqual(['unloaded', PROFILE, 1]);
    // When its files change it is looked at again.
    box.registry.apply('a', { type: 'files-changed', copy: inspection(10).copy });
    expect(box.looks).toHaveLength(2);
  });

  test('is recognised neither before it is whole nor once it has begun to settle', async () => {
    const box = createBox(RESTED);
    await box.looks[0]?.answer(inspection(10));
    await box.clock.advance(250);
    await box.looks[1]?.answer(inspection(1000));
    expect([box.state(), box.asked]).toEqual(['settling', []]);
  });
});
