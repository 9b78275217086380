/** Dates as C's `strftime` writes them in English, by the local clock. Pure. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const two = (value: number) => String(value).padStart(2, '0');
const DAY_MS = 86_400_000;

function dayOfYear(date: Date): number {
  return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS) + 1;
}

/** Week of the year, by weeks that begin on this day: 0 Sunday, 1 Monday. */
function week(date: Date, begins: 0 | 1): number {
  return Math.floor((dayOfYear(date) + 6 - ((date.getDay() - begins + 7) % 7)) / 7);
}

const PARTS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (DAYS[date.getDay()] ?? '').slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? '',
  b: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? '',
  c: (date) => strftime('%a %b %e %H:%M:%S %Y', date),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date) => strftime('%m/%d/%y', date),
  e: (date) => String(date.getDate()).padStart(2, ' '),
  f: (date) => `${String(date.getMilliseconds()).padStart(3, '0')}000`,
  F: (date) => strftime('%Y-%m-%d', date),
  h: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  j: (date) => String(dayOfYear(date)).padStart(3, '0'),
  k: (date) => String(date.getHours()).padStart(2, ' '),
  l: (date) => String(date.getHours() % 12 || 12).padStart(2, ' '),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date) => strftime('%I:%M:%S %p', date),
  R: (date) => strftime('%H:%M', date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: (date) => strftime('%H:%M:%S', date),
  u: (date) => String(date.getDay() || 7),
  U: (date) => two(week(date, 0)),
  w: (date) => String(date.getDay()),
  W: (date) => two(week(date, 1)),
  x: (date) => strftime('%m/%d/%y', date),
  X: (date) => strftime('%H:%M:%S', date),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  // A time of day that knows of no zone, which is what templates are given, has neither.
  z: () => '',
  Z: () => '',
  '%': () => '%',
};

/**
 * What is not known stays as it is written. `%-d` leaves out leading zeros, `%_d` makes them
 * spaces.
 */
export function strftime(format: string, date: Date): string {
  return format.replace(/%([-_^#0]?)([a-zA-Z%])/g, (whole, flag: string, part: string) => {
    const made = Object.hasOwn(PARTS, part) ? PARTS[part]?.(date) : undefined;
    if (made === undefined) return whole;
    if (flag === '-') return made.replace(/^[0 ]+(?=\d)/, '');
    if (flag === '_') return made.replace(/^0+(?=\d)/, (zeros) => ' '.repeat(zeros.length));
    if (flag === '0') return made.replace(/^ +/, (spaces) => '0'.repeat(spaces.length));
    return flag === '^' ? made.toUpperCase() : made;
  });
}
