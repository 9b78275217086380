/**
 * MODELIUM_FULL=1, as `.ci/run` sets it: what repeats one check many times does so in full. Without
 * it each check is still made, fewer times, so that `npm test` is over while one waits for it.
 */
export const FULL = process.env['MODELIUM_FULL'] === '1';
