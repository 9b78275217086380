/**
 * Makes the id of a model from the name of its file or folder, and finds names that look alike. No
 * I/O.
 *
 * An id is the name that people gave, in any script, as far as it fits into a list, an address
 * (percent-encoded) and a sentence. No two models have names that look alike: the later one gets a
 * number.
 */

import { ID_CHARACTERS, MAX_ID_LENGTH } from '../../../shared/model-names.ts';

/** Becomes a dash. */
const FOREIGN = new RegExp(`[^${ID_CHARACTERS}]`, 'gu');

/**
 * Letters of Greek and Cyrillic that nobody tells from the Latin one, and punctuation that passes
 * for another one.
 */
const TWINS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    А: 'A',
    В: 'B',
    Е: 'E',
    З: '3',
    І: 'I',
    Ј: 'J',
    К: 'K',
    М: 'M',
    Н: 'H',
    О: 'O',
    Р: 'P',
    С: 'C',
    Ѕ: 'S',
    Т: 'T',
    У: 'Y',
    Х: 'X',
    а: 'a',
    е: 'e',
    і: 'i',
    ј: 'j',
    о: 'o',
    р: 'p',
    с: 'c',
    ѕ: 's',
    у: 'y',
    х: 'x',
    ԁ: 'd',
    ԛ: 'q',
    ԝ: 'w',
    һ: 'h',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Ζ: 'Z',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
    ο: 'o',
    ν: 'v',
    ι: 'i',
    ı: 'i',
    ɡ: 'g',
    ɑ: 'a',
  }),
);

/**
 * The id that a name asks for: its last segment without `.gguf` and the number of a part, in
 * Unicode's composed form, beginning with no dot, dash or space.
 * @param name `model`, or `owner/model` for one level of nesting.
 */
export function idOf(name: string): string {
  const plain = givenName(name)
    .replace(/(?<=.)-\d{5}-of-\d{5}$/i, '')
    .normalize('NFC')
    .replace(/\p{Z}+/gu, ' ')
    // What has no width or turns the direction would make two names look alike.
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replace(FOREIGN, '-')
    .replace(/^[-. ]+/, '');
  const short = Array.from(plain).slice(0, MAX_ID_LENGTH).join('').trim();
  return /[\p{L}\p{N}\p{So}]/u.test(short) ? short : 'model';
}

/** The name as it lies on the disk, without `.gguf`. */
export function givenName(name: string): string {
  return (name.split('/').at(-1) ?? name).replace(/\.gguf$/i, '');
}

/** Names that are taken, compared by what people see of them. */
export class TakenNames {
  readonly #looks = new Set<string>();

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  add(name: string): void {
    this.#looks.add(appearanceOf(name));
  }

  /** Has somebody this name, or one that looks like it? */
  has(name: string): boolean {
    return this.#looks.has(appearanceOf(name));
  }
}

/** The id itself, or with the first of `-2`, `-3` ... that nobody has. */
export function unusedId(id: string, taken: TakenNames): string {
  if (!taken.has(id)) return id;
  let number = 2;
  while (taken.has(`${id}-${number}`)) number += 1;
  return `${id}-${number}`;
}

/**
 * The same text for names that look the same: width, ligatures and twins of other scripts are
 * evened out; upper and lower case are not.
 */
function appearanceOf(name: string): string {
  // Most names, and all of them are compared at each arrival.
  if (/^[ -~]*$/.test(name)) return name;
  return Array.from(name.normalize('NFKC'), (letter) => TWINS.get(letter) ?? letter).join('');
}
