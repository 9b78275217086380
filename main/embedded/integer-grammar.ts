/** Whole numbers between two bounds, as a grammar of llama.cpp. Pure. */

/** As many digits as JavaScript's numbers hold exactly, so that a reader gets what was written. */
const MOST_DIGITS = 15;
const LARGEST = 10 ** MOST_DIGITS - 1;

/** @param least @param most null: no bound. @returns null when no number lies between them. */
export function integerRange(least: number | null, most: number | null): string | null {
  const low = Math.max(-LARGEST, least ?? -LARGEST);
  const high = Math.min(LARGEST, most ?? LARGEST);
  if (low > high) return null;
  const parts: string[] = [];
  if (low < 0) parts.push(`"-" (${between(Math.max(1, -high), -low)})`);
  if (high >= 0) parts.push(between(Math.max(0, low), high));
  return parts.join(' | ');
}

/** Numbers from 0 on, without leading zeros: those of each length apart. */
function between(low: number, high: number): string {
  const parts: string[] = [];
  for (let digits = String(low).length; digits <= String(high).length; digits++) {
    const first = digits === 1 ? 0 : 10 ** (digits - 1);
    parts.push(equallyLong(String(Math.max(low, first)), String(Math.min(high, 10 ** digits - 1))));
  }
  return parts.join(' | ');
}

/** Two numbers of as many digits: what they begin with, then the digits between, with the edges followed further. */
function equallyLong(low: string, high: string): string {
  if (low === '') return '';
  const [first = '', last = ''] = [low[0], high[0]];
  const rest = low.length - 1;
  if (first === last) return `[${first}]${rest === 0 ? '' : ` (${equallyLong(low.slice(1), high.slice(1))})`}`;
  const isWhole = /^.0*$/.test(low) && /^.9*$/.test(high);
  if (isWhole) return `[${first}-${last}]${anyDigits(rest)}`;
  const parts = [`[${first}] (${equallyLong(low.slice(1), '9'.repeat(rest))})`];
  const inner = [Number(first) + 1, Number(last) - 1];
  if ((inner[0] ?? 0) <= (inner[1] ?? 0)) parts.push(`[${inner[0]}-${inner[1]}]${anyDigits(rest)}`);
  parts.push(`[${last}] (${equallyLong('0'.repeat(rest), high.slice(1))})`);
  return parts.join(' | ');
}

function anyDigits(count: number): string {
  return count === 0 ? '' : ` [0-9]{${count}}`;
}
