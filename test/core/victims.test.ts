import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cheapestVictims, type Evictable, EvictableIndex } from '../../main/core/memory/victims.ts';

const evictable = (modelId: string, cost: number, held: Record<string, number>): Evictable => ({ modelId, cost, held });

describe('cheapestVictims', () => {
  it.each<[string, Evictable[], Record<string, number>, string[] | null]>([
    ['nothing missing', [evictable('a', 1, { g: 5 })], { g: 0 }, []],
    ['too little altogether', [evictable('a', 1, { g: 5 })], { g: 6 }, null],
    ['nobody on the device', [evictable('a', 1, { h: 50 })], { g: 6 }, null],
    ['the cheaper one', [evictable('a', 2, { g: 6 }), evictable('b', 1, { g: 6 })], { g: 5 }, ['b']],
    [
      'one dear rather than three cheap that cost more',
      [evictable('a', 2, { g: 9 }), evictable('b', 1, { g: 3 }), evictable('c', 1, { g: 3 }), evictable('d', 1, { g: 3 })],
      { g: 9 },
      ['a'],
    ],
    [
      'two cheap rather than one dear',
      [evictable('a', 9, { g: 9 }), evictable('b', 1, { g: 5 }), evictable('c', 1, { g: 5 })],
      { g: 9 },
      ['b', 'c'],
    ],
    [
      'one that helps on both devices',
      [evictable('a', 3, { g: 5, h: 5 }), evictable('b', 2, { g: 5 }), evictable('c', 2, { h: 5 })],
      { g: 5, h: 5 },
      ['a'],
    ],
    [
      'no small one along that the large one makes superfluous',
      [evictable('a', 0.1, { g: 1 }), evictable('b', 5, { g: 10 })],
      { g: 10 },
      ['b'],
    ],
  ])('%s', (_name, evictables, missing, expected) => {
    const found = cheapestVictims(new EvictableIndex(evictables), missing);
    expect(found === null ? null : [...found.modelIds].sort()).toEqual(expected);
  });

  const evictables = (maxLength: number) =>
    fc
      .array(fc.record({ cost: fc.integer({ min: 0, max: 50 }), g: fc.integer({ min: 0, max: 9 }), h: fc.integer({ min: 0, max: 9 }) }), {
        maxLength,
      })
      .map((all) => all.map(({ cost, g, h }, index) => evictable(`m${index}`, cost, { g, h })));
  const missing = fc.record({ g: fc.integer({ min: 0, max: 30 }), h: fc.integer({ min: 0, max: 30 }) });
  const covers = (chosen: readonly Evictable[], { g, h }: { g: number; h: number }) =>
    chosen.reduce((sum, each) => sum + (each.held['g'] ?? 0), 0) >= g && chosen.reduce((sum, each) => sum + (each.held['h'] ?? 0), 0) >= h;

  it('suffices and has nobody superfluous, for any number of models', () => {
    fc.assert(
      fc.property(evictables(60), missing, (all, lacking) => {
        const found = cheapestVictims(new EvictableIndex(all), lacking);
        expect(found !== null).toBe(covers(all, lacking));
        if (found === null) return;
        const chosen = all.filter((each) => found.modelIds.includes(each.modelId));
        expect(covers(chosen, lacking)).toBe(true);
        for (const one of chosen)
          expect(
            covers(
              chosen.filter((each) => each !== one),
              lacking,
            ),
          ).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  /** As most boxes have them: each on one GPU alone. */
  const apart = evictables(8).map((all) =>
    all.map((each, at) => evictable(each.modelId, each.cost, at % 2 === 0 ? { g: each.held['g'] ?? 0, h: 0 } : { h: each.held['h'] ?? 0 })),
  );

  it.each([
    ['wherever they are', evictables(8)],
    ['each on one device', apart],
  ])('is the cheapest of all subsets, for a few models, %s', (_, models) => {
    fc.assert(
      fc.property(models, missing, (all, lacking) => {
        let cheapest = Number.POSITIVE_INFINITY;
        for (let mask = 0; mask < 2 ** all.length; mask += 1) {
          const subset = all.filter((_, index) => mask & (1 << index));
          if (covers(subset, lacking))
            cheapest = Math.min(
              cheapest,
              subset.reduce((sum, each) => sum + each.cost, 0),
            );
        }
        expect(cheapestVictims(new EvictableIndex(all), lacking)?.cost ?? Number.POSITIVE_INFINITY).toBe(cheapest);
      }),
      { numRuns: 500 },
    );
  });
});
