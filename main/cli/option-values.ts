/**
 * Parses and checks the values of options. A wrong value throws the parser's own error, so that it
 * is reported as wrong use (exit code 2).
 */

function wrong(message: string): Error {
  return Object.assign(new Error(message), { code: 'commander.invalidArgument' });
}

function toWhole(text: string, least: number, most: number, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw wrong(what);
  return value;
}

export function toPort(text: string): number {
  return toWhole(text, 0, 65_535, 'A port is a number from 0 to 65535.');
}

export function toCount(text: string): number {
  return toWhole(text, 1, 500, 'Give a number from 1 to 500.');
}

export function toLines(text: string): number {
  return toWhole(text, 1, 100_000, 'Give a number from 1 to 100000.');
}

export function toTokens(text: string): number {
  return toWhole(text, 1, 1_000_000, 'Give a number from 1 to 1000000.');
}

export function toTemperature(text: string): number {
  const temperature = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || temperature > 2) throw wrong('Give a number from 0 to 2.');
  return temperature;
}

/** Lines of a log at least this grave. */
export const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

export function toLevel(text: string): Level {
  const level = LEVELS.find((one) => one === text.toLowerCase() || (text === 'warn' && one === 'warning'));
  if (level === undefined) throw wrong(`Give one of ${LEVELS.join(', ')}.`);
  return level;
}
