/**
 * Waits for something that another process does. For tests with real processes only: everything
 * else moves a virtual clock.
 */

/**
 * Asks again until the answer is neither null, undefined nor false. @throws with the description
 * after `withinMs`.
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Answer | Promise<Answer>,
  withinMs = 20_000,
): Promise<NonNullable<Exclude<Answer, false>>> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer as NonNullable<Exclude<Answer, false>>;
    if (performance.now() > deadlineMs) throw new Error(`It did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
