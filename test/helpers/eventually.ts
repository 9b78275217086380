/**
 * Waits for something that another process does. For tests with real processes only: everything
 * else moves a virtual clock.
 */

/**
 * At first it asks often, then less: what is asked mostly answers from the cores that the awaited
 * needs.
 */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [10, 100];

/**
 * Asks again until the answer is neither null, undefined nor false. @throws with the description
 * after `withinMs`.
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Answer | Promise<Answer>,
  withinMs = 60_000,
): Promise<NonNullable<Exclude<Answer, false>>> {
  const deadlineMs = performance.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.25, LAST_PAUSE_MS)) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer as NonNullable<Exclude<Answer, false>>;
    if (performance.now() > deadlineMs) throw new Error(`It did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
