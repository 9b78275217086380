/**
 * Mutated files of every format: findings, never another error; bytes, steps and the largest read
 * under a bound, heap and buffers together under 64 MiB, no name outside the folder. `npm run fuzz`
 * goes on for longer, with another seed.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { FULL } from '../../helpers/full.ts';
import { folderOf } from './folder-of.ts';
import { BROKEN, HARMFUL } from './fuzz-broken.ts';
import { type FuzzFormat, filesOf, runCase } from './fuzz-kit.ts';
import { BOUNDS, type CaseWork, Meter } from './fuzz-meter.ts';
import { createFuzzer } from './fuzz-run.ts';
import { FUZZ_FORMATS } from './fuzz-samples.ts';

const CASES = FULL ? 20_000 : 150;
const SEED = 20_261_125;

/** What reads nothing but JSON and text has no steps to count: the bytes bound its work. */
const WITHOUT_STEPS = ['safetensors', 'JSON of transformers', 'sentence-transformers', 'adapters', 'diffusers', 'timm', 'Mistral'];

const fuzzer = createFuzzer();
afterAll(() => fuzzer.end());

describe(`${CASES} mutations a format`, () => {
  test.each(FUZZ_FORMATS.map((format) => [format.name, format] as const))(
    '%s',
    async (_name, format) => {
      const answer = await fuzzer.run({ format, seed: SEED, from: 0, count: CASES });
      if (!answer.ok) throw new Error(`case ${answer.index} of seed ${SEED}: ${answer.message}`);
      for (const [what, most] of Object.entries(BOUNDS)) {
        const worst = answer.worst[what as keyof CaseWork];
        expect(worst, what).toBeLessThanOrEqual(most);
        if (what !== 'steps' || !WITHOUT_STEPS.includes(format.name)) expect(worst, what).toBeGreaterThan(0);
      }
    },
    600_000,
  );

  test('the samples themselves are understood: mutations of nonsense would prove nothing', () => {
    for (const { name, samples, real } of FUZZ_FORMATS.slice(0, -1)) {
      for (const files of [...samples.map(folderOf), ...real.map((each) => filesOf(each, new Meter(null)))]) {
        const { profile } = analyzeCandidate(files, false);
        expect(
          profile?.forms.some(({ kind }) => kind !== 'unknown'),
          `${name}: ${files.map(({ path }) => path).join(', ')}`,
        ).toBe(true);
      }
    }
  });

  test('real files are among them, each whole', () => {
    const real = FUZZ_FORMATS.filter((format) => format.real.length > 0);
    expect(real.map(({ name }) => name)).toEqual([
      'GGUF',
      'safetensors',
      'JSON of transformers',
      'ONNX',
      'zip archives of PyTorch',
      'Triton',
      'sentence-transformers',
    ]);
    for (const sample of real.flatMap((format) => format.real)) {
      expect(analyzeCandidate(filesOf(sample, new Meter(null)), false), Object.keys(sample).join(', ')).toMatchObject({ whole: true });
    }
  });
});

describe('the harness sees what it looks for', () => {
  const format: FuzzFormat = {
    name: 'hungry',
    mutates: /\.json$/,
    samples: [{ 'config.json': { a: 1 } }],
    real: [{ 'config.json': { head: Buffer.from('{}'), bytes: 2 ** 30, spans: [] } }],
  };
  const HANGING = ['never ends', 'stands still, the whole process'];
  const IMPATIENT = { batch: 1, hangsAfterMs: 500, patienceMs: 500 };
  const job = { format, seed: SEED, from: 0, count: 20 };

  test.each<[harm: string, message: RegExp]>([
    ['keeps what it reads', /^Error: memory is \d+ bytes, more than 67108864/],
    ['keeps buffers that it makes', /^Error: memory is \d+ bytes/],
    ['makes one large buffer and lets go of it', /^Error: memory is \d+ bytes/],
    ['makes large buffers with Buffer and lets go of them', /^Error: memory is \d+ bytes/],
    ['fills heap and buffers, neither beyond the bound', /^Error: memory is \d+ bytes/],
    ['fills the heap', /^the process ended with SIGABRT: FATAL ERROR.*heap out of memory/],
    ['reads again and again', /^Error: bytesRead is \d+, more than 201326592/],
    ['reads again and again, and catches what is thrown', /^Error: bytesRead is/],
    ['reads a whole file at once', /^Error: read\(0, 8589934592\) asks for more than 16777216 bytes/],
    ['reads before the beginning', /^Error: read\(-1, 8\) is no place in a file/],
    ['takes steps without end', /^Error: steps are 20000001, more than 20000000/],
    ['throws an error of its own', /^TypeError: Cannot read properties of undefined/],
    ['never ends', /^Error: it hangs: no end after 0.5 s/],
    ['stands still, the whole process', /^the process ended with SIGKILL: it hangs outside of JavaScript/],
  ])('%s', async (broken, message) => {
    expect(BROKEN).toContain(broken);
    // Alone, and the only one of its batch: what comes before the harm passes.
    const answer = await fuzzer.run({ ...job, broken }, HANGING.includes(broken) ? IMPATIENT : undefined);
    expect(answer).toMatchObject({ ok: false, index: HARMFUL, message: expect.stringMatching(message) });
  });

  test('every way to be broken is tried, and nothing is found where nothing is broken', async () => {
    expect(BROKEN).toHaveLength(14);
    expect(await fuzzer.run(job)).toMatchObject({ ok: true });
  });

  test('a case is made from its number alone', () => {
    expect(runCase(format, 1, 5)).toEqual(runCase(format, 1, 5));
    expect(() => runCase({ ...format, samples: [], real: [] }, 1, 0)).toThrow();
  });
});
