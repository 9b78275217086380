import { describe, expect, test } from 'vitest';
import { type Observation, type SettleOutcome, settle } from '../../main/core/notice/settle.ts';
import type { Inspection } from '../../main/core/ports.ts';
import type { ModelProfile } from '../../shared/profile.ts';

const profile = { kind: 'chat' } as ModelProfile;

function inspection(bytes: number, more: Partial<Inspection> = {}): Inspection {
  return {
    files: [{ path: 'm.gguf', bytes, mtimeMs: bytes, device: 1, inode: 2 }],
    copy: { bytesPresent: bytes, bytesExpected: 1000, missing: bytes < 1000 ? [`m.gguf: ${1000 - bytes} bytes`] : [] },
    whole: bytes >= 1000,
    usable: bytes >= 1000,
    zeroTails: [],
    writer: null,
    damage: null,
    unreadable: null,
    profile: bytes >= 1000 ? profile : null,
    ...more,
  };
}

/** Outcomes of looks at these times. */
function looks(steps: readonly (readonly [atMs: number, inspection: Inspection])[], force = false): SettleOutcome[] {
  let previous: Observation | null = null;
  return steps.map(([atMs, seen]) => {
    const outcome: SettleOutcome = settle(previous, { inspection: seen, atMs }, { force });
    previous = outcome.observation;
    return outcome;
  });
}

const last = (outcomes: readonly SettleOutcome[]): SettleOutcome => outcomes.at(-1)!;
const unlike = { whole: false, usable: false, profile: null };

describe('settle', () => {
  test('whole only when still for half a second, however often one looks', () => {
    const outcomes = looks([0, 100, 499, 500].map((atMs) => [atMs, inspection(1000)]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['settling', 'settling', 'settling', 'whole']);
  });

  test('a whole form beside one that never ends is served when no more bytes come', () => {
    const half = inspection(1000, { whole: false, usable: true });
    const outcomes = looks([0, 600, 599_999, 600_000].map((atMs) => [atMs, half]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['settling', 'settling', 'settling', 'whole']);
  });

  test('a change begins the wait anew', () => {
    const touched = inspection(1000, { files: [{ path: 'm.gguf', bytes: 1000, mtimeMs: 7, device: 1, inode: 2 }] });
    expect(
      looks([
        [0, inspection(1000)],
        [400, touched],
        [600, touched],
        [900, touched],
      ]).map(({ kind }) => kind),
    ).toEqual(['settling', 'settling', 'settling', 'whole']);
  });

  test('from the last byte to the verdict it takes less than a second, whenever it comes', () => {
    for (let lastByteMs = 1; lastByteMs < 600; lastByteMs += 13) {
      let nowMs = 0;
      let previous: Observation | null = null;
      for (;;) {
        const outcome: SettleOutcome = settle(
          previous,
          { inspection: inspection(nowMs < lastByteMs ? 500 + Math.floor(nowMs / 10) : 1000), atMs: nowMs },
          { force: false },
        );
        if (outcome.kind !== 'settling') break;
        previous = outcome.observation;
        nowMs += outcome.againMs;
      }
      expect(nowMs - lastByteMs).toBeLessThan(1000);
    }
  });

  test.each<[string, Partial<Inspection>, number, SettleOutcome['kind']]>([
    ['a writer', { writer: { pid: 7, command: 'cp' } }, 599_999, 'settling'],
    ['a writer for ten minutes', { writer: { pid: 7, command: 'cp' } }, 600_000, 'incomplete'],
    ['zero tails', { zeroTails: ['m.gguf: w'] }, 599_999, 'settling'],
    ['zero tails for ten minutes', { zeroTails: ['m.gguf: w'] }, 600_000, 'incomplete'],
    ['damage at first', { ...unlike, damage: 'broken' }, 1_999, 'settling'],
    ['damage that stays', { ...unlike, damage: 'broken' }, 2_000, 'damaged'],
    ['damage under a writer', { ...unlike, damage: 'broken', writer: { pid: 7, command: 'cp' } }, 2_000, 'settling'],
    ['no right to read', { ...unlike, unreadable: 'no right' }, 500, 'unreadable'],
    ['missing bytes', { ...unlike }, 599_999, 'settling'],
    ['missing bytes for ten minutes', { ...unlike }, 600_000, 'incomplete'],
  ])('%s', (_what, more, atMs, kind) => {
    const seen = inspection(1000, more);
    expect(
      last(
        looks([
          [0, seen],
          [atMs, seen],
        ]),
      ).kind,
    ).toBe(kind);
  });

  test('a person lets zero tails through', () => {
    const seen = inspection(1000, { zeroTails: ['m.gguf: w'] });
    expect(
      last(
        looks(
          [
            [0, seen],
            [500, seen],
          ],
          true,
        ),
      ).kind,
    ).toBe('whole');
  });

  test('an incomplete copy names what is missing, and a writer its process', () => {
    const seen = inspection(400);
    expect(
      last(
        looks([
          [0, seen],
          [600_000, seen],
        ]),
      ),
    ).toMatchObject({ message: expect.stringContaining('m.gguf: 600 bytes') });
    const held = inspection(1000, { writer: { pid: 7, command: 'cp' } });
    expect(
      last(
        looks([
          [0, held],
          [600_000, held],
        ]),
      ),
    ).toMatchObject({ message: expect.stringContaining('process 7 (cp)') });
  });

  test('a copy that has stopped is looked at less often', () => {
    const again = [0, 250, 10_000].map((atMs) =>
      last(
        looks([
          [0, inspection(10)],
          [atMs, inspection(10)],
        ]),
      ),
    );
    expect(again).toMatchObject([{ againMs: 250 }, { againMs: 250 }, { againMs: 5000 }]);
  });
});
