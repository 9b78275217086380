/**
 * Mutated files of every format: findings, never another error; bytes, steps and the largest read under a bound, the heap under 64 MiB, no name
 * outside the folder. `npm run fuzz` goes on for longer, with another seed.
 */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { folderOf } from './folder-of.ts';
import { BOUNDS, runCase } from './fuzz-kit.ts';
import { fuzz } from './fuzz-run.ts';
import { FUZZ_FORMATS } from './fuzz-samples.ts';

const CASES = process.env['MODELIUM_FULL'] === '1' ? 20_000 : 2_000;
const SEED = 20_261_125;

describe(`${CASES} mutations a format`, () => {
  test.each(FUZZ_FORMATS.map((format) => [format.name, format] as const))(
    '%s',
    async (_name, format) => {
      const answer = await fuzz({ format, seed: SEED, from: 0, count: CASES });
      if (!answer.ok) throw new Error(`case ${answer.index} of seed ${SEED}: ${answer.message}`);
      expect(answer.worst.bytesRead).toBeLessThanOrEqual(BOUNDS.bytesRead);
      expect(answer.worst.bytesRead).toBeGreaterThan(0);
    },
    600_000,
  );

  test('the samples themselves are understood: mutations of nonsense would prove nothing', () => {
    for (const { name, samples } of FUZZ_FORMATS.slice(0, -1)) {
      for (const sample of samples) {
        const { profile } = analyzeCandidate(folderOf(sample), false);
        expect(
          profile?.forms.some(({ kind }) => kind !== 'unknown'),
          `${name}: ${Object.keys(sample).join(', ')}`,
        ).toBe(true);
      }
    }
  });

  test('the harness sees what it looks for', async () => {
    const hungry = { name: 'hungry', mutates: /./, samples: [{ 'config.json': { a: 1 } }] };
    const broken = { ...hungry, samples: [] };
    expect(() => runCase(broken, 1, 0)).toThrow();
    expect(await fuzz({ format: broken, seed: 1, from: 0, count: 1 })).toMatchObject({ ok: false, index: 0 });
    expect(runCase(hungry, 1, 5)).toEqual(runCase(hungry, 1, 5));
  });
});
