/**
 * The order of the test files: those that take longest begin first, so that none of them runs at
 * the end while the other workers have nothing to do. Vitest itself knows how long a file took
 * only where it ran before, which a new checkout has not.
 */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Over 20 s on two cores, longest first; the first of them only with full counts (full.ts). */
const LONGEST = [
  'core/analyzer/fuzz',
  'browser/window',
  'simulated-box',
  'vllm',
  'custom-runtime',
  'browser/story',
  'watch-folders',
  'recovery',
  'browser/playground',
  'abuse',
  'triton-elsewhere',
  'triton',
  'converting',
  'embedded/fuzz-requests',
  'electron/package',
  'found',
  'browser/settings',
  'cli/live',
  'flow',
  'trust',
];

for (const name of LONGEST) {
  if (!existsSync(new URL(`../${name}.test.ts`, import.meta.url))) throw new Error(`longest-first.ts names ${name}, which is gone`);
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = new Map(LONGEST.map((name, index) => [`test/${name}.test.ts`, index]));
    const rankOf = (file: TestSpecification) => rank.get(relative(this.ctx.config.root, file.moduleId)) ?? LONGEST.length;
    // The sort is stable: the others stay in Vitest's own order.
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}
