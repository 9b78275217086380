/**
 * axe-core in the page under test: no violation at all, of the rules that the law and good manners
 * ask for.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** @throws Error that names each rule, and each element that breaks it. */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated, not added as a script element: the policy of the page forbids that, and stays as it
  // is while it is tested.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source);
  // A page hears of another colour scheme when it is drawn next, and draws it in the turn after.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  // A colour in the middle of a transition is nobody's choice. What turns for ever, as the chip of
  // a load does, is not waited for.
  await page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    return Promise.all(ending.map((animation) => animation.finished.catch(() => {})));
  });
  const results = await page.evaluate(async (tags) => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResults> } };
    return await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
  }, TAGS);
  const broken = results.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary}`).join('\n')}`,
  );
  if (results.passes.length === 0 && broken.length === 0) throw new Error('axe looked at nothing.');
  if (broken.length > 0) throw new Error(`${page.url()} is not accessible:\n${broken.join('\n')}`);
}
