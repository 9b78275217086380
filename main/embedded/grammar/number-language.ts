/** The languages of JSON numbers within bounds and with a given step (`multipleOf`). Pure. */
import { both, characters, either, type Language, type Machine, machine, NONE, repeated, sequence, text } from './language.ts';

/**
 * Digits in which JavaScript's numbers, and everybody's, hold what was written: a reader gets a
 * number within the bounds.
 */
const SURE_DIGITS = 15;
const LARGEST_STEP = 1000;

export interface NumberBounds {
  readonly isInteger: boolean;
  readonly least: number | null;
  readonly most: number | null;
  /** The bounds themselves are not allowed. */
  readonly isLeastOpen: boolean;
  readonly isMostOpen: boolean;
  readonly multipleOf: number | null;
}

const digits = (first: number, last = 9): Language => characters([[0x30 + first, 0x30 + last]]);

/** A bound without exponent: its digits in front of and behind the point. */
interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

function decimalOf(value: number): Decimal {
  const plain = Math.abs(value) < 1e21 ? withoutExponent(Math.abs(value)) : BigInt(Math.floor(Math.abs(value))).toString();
  const [whole = '0', fraction = ''] = plain.split('.');
  return { whole, fraction: fraction.replace(/0+$/, '') };
}

/**
 * The shortest digits that are this number, as JavaScript prints them, with the point in its place.
 */
function withoutExponent(value: number): string {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent);
  if (shift >= 0)
    return fraction.length <= shift
      ? `${whole}${fraction.padEnd(shift, '0')}`
      : `${whole}${fraction.slice(0, shift)}.${fraction.slice(shift)}`;
  return `0.${whole.padStart(-shift, '0')}${fraction}`;
}

/** @throws RangeError when the step is none that can be held; the message says why. */
export function numberLanguage(bounds: NumberBounds): Language {
  const { least, most, isLeastOpen, isMostOpen } = bounds;
  const parts: Language[] = [];
  if (most === null || most > 0 || (most === 0 && !isMostOpen)) parts.push(unsigned(bounds, least, isLeastOpen, most, isMostOpen));
  if (least === null || least < 0) {
    // Of -y, the bounds of y the other way round; never -0.
    const below = both([
      unsigned(bounds, flip(most), isMostOpen, flip(least), isLeastOpen),
      machine(comparison({ whole: '0', fraction: '' }, 'above')),
    ]);
    parts.push(sequence([text('-'), below]));
  }
  return either(parts);
}

function flip(value: number | null): number | null {
  return value === null ? null : -value;
}

function unsigned(bounds: NumberBounds, least: number | null, isLeastOpen: boolean, most: number | null, isMostOpen: boolean): Language {
  const limits: Language[] = [];
  if (least !== null && (least > 0 || (least === 0 && isLeastOpen)))
    limits.push(machine(comparison(decimalOf(least), isLeastOpen ? 'above' : 'from')));
  if (most !== null) {
    if (most < 0) return NONE;
    limits.push(machine(comparison(decimalOf(most), isMostOpen ? 'below' : 'to')));
  }
  return both([written(bounds, [least, most]), ...limits]);
}

function written({ isInteger, multipleOf }: NumberBounds, limits: readonly (number | null)[]): Language {
  const known = limits.filter((limit) => limit !== null).map(decimalOf);
  const wholeDigits = isInteger ? SURE_DIGITS : Math.min(SURE_DIGITS, Math.max(9, ...known.map(({ whole }) => whole.length)));
  const whole = either([text('0'), sequence([digits(1), repeated(digits(0), 0, wholeDigits - 1)])]);
  const step = multipleOf === null ? null : decimalOf(multipleOf);
  if (step !== null) return stepped(whole, step, isInteger);
  if (isInteger) return whole;
  const places = Math.max(SURE_DIGITS - wholeDigits, ...known.map(({ fraction }) => fraction.length + 1));
  return sequence([whole, repeated(sequence([text('.'), repeated(digits(0), 1, places)]), 0, 1)]);
}

/**
 * The multiples of a step: counted in units of its last place, the digits without the point are a
 * multiple of a whole number.
 */
function stepped(whole: Language, { whole: front, fraction }: Decimal, isInteger: boolean): Language {
  const unit = Number(front + fraction);
  const scale = 10 ** fraction.length;
  if (!(unit >= 1 && unit <= LARGEST_STEP * scale && unit <= 100_000)) throw new RangeError('is out of the range from 0.00001 to 1000');
  const wholeUnit = unit / commonDivisor(unit, scale);
  if (wholeUnit > LARGEST_STEP) throw new RangeError(`is more than ${LARGEST_STEP} in whole numbers`);
  const wholes = both([whole, machine(remainder(wholeUnit, 0))]);
  if (isInteger || fraction === '') return wholes;
  if (unit > LARGEST_STEP) throw new RangeError(`has more than ${LARGEST_STEP} units of its last place`);
  const fractions = sequence([whole, text('.'), repeated(digits(0), fraction.length, fraction.length)]);
  return either([wholes, both([fractions, machine(remainder(unit, 0))])]);
}

function commonDivisor(left: number, right: number): number {
  return right === 0 ? left : commonDivisor(right, left % right);
}

const DIGIT_SETS = Array.from({ length: 10 }, (_, digit) => [[0x30 + digit, 0x30 + digit]] as const);
const ALPHABET = [...DIGIT_SETS, [[0x2e, 0x2e]] as const];

function remainder(of: number, left: number): Machine {
  return {
    key: `%${of},${left}`,
    accepts: left === 0,
    alphabet: ALPHABET,
    step(character) {
      if (character === 0x2e) return this;
      return isDigit(character) ? remainder(of, (left * 10 + character - 0x30) % of) : null;
    },
  };
}

function isDigit(character: number): boolean {
  return character >= 0x30 && character <= 0x39;
}

type Wanted = 'above' | 'from' | 'to' | 'below';
const ACCEPTED: Readonly<Record<Wanted, readonly number[]>> = { above: [1], from: [0, 1], to: [-1, 0], below: [-1] };

/**
 * Compares a number with a bound while it is written. @param order of the digits so far to as many
 * of the bound's.
 */
function comparison(bound: Decimal, wanted: Wanted, at = 0, order = 0, isFraction = false): Machine {
  const { whole, fraction } = bound;
  const length = isFraction ? whole.length : at;
  const ofWhole = length === whole.length ? order : Math.sign(length - whole.length);
  const isShort = ofWhole === 0 && (isFraction ? at < fraction.length : fraction !== '');
  const next = (digit: number, digitsOfBound: string): number => order || Math.sign(digit - Number(digitsOfBound[at] ?? '0'));
  return {
    key: `${wanted}${whole}.${fraction}:${at},${order},${isFraction}`,
    accepts: ACCEPTED[wanted].includes(isShort ? -1 : ofWhole),
    alphabet: ALPHABET,
    step(character) {
      if (character === 0x2e) return isDecided(ofWhole, wanted) ? null : comparison(bound, wanted, 0, ofWhole, true);
      if (!isDigit(character)) return null;
      const digit = character - 0x30;
      if (!isFraction) {
        // Longer than the bound, with no zeros in front: larger, whatever follows.
        const behind = Math.min(at + 1, whole.length + 1);
        if (behind > whole.length && isDecided(1, wanted)) return null;
        return comparison(bound, wanted, behind, at >= whole.length ? order : next(digit, whole), false);
      }
      const fromHere = next(digit, fraction);
      return isDecided(fromHere, wanted) ? null : comparison(bound, wanted, Math.min(at + 1, fraction.length), fromHere, true);
    },
  };
}

/** The number is on the wrong side of the bound, and no further digit changes that. */
function isDecided(order: number, wanted: Wanted): boolean {
  return order !== 0 && !ACCEPTED[wanted].includes(order);
}
