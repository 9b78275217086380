/**
 * Parses `modelium://` links. Any web page or mail may contain one, so a link can only show a page
 * of the window; anything else is refused. Pure.
 */
import { ID_CHARACTERS, MAX_ID_LENGTH } from '../../shared/model-names.ts';

export const SCHEME = 'modelium';
/** Pages, and whether one may be about something: a model, or a section of the settings. */
const PAGES: Readonly<Record<string, boolean>> = {
  box: false,
  models: true,
  decisions: true,
  activity: true,
  playground: true,
  logs: true,
  settings: true,
};
/**
 * What a model's id has, at its start too; an alias may name its owner, and what a base is asked
 * for its LoRA.
 */
const SUBJECT = new RegExp(`^(?![-. :/])[${ID_CHARACTERS}:/]{1,${2 * MAX_ID_LENGTH + 1}}$`, 'u');
/** An id of pictures alone: each is four bytes, and each byte three characters of an address. */
const LONGEST = 50 + 12 * (2 * MAX_ID_LENGTH + 1);

/** The argument that is one, whatever it says; undefined: there is none. */
export function linkIn(given: readonly string[]): string | undefined {
  return given.find((argument) => argument.toLowerCase().startsWith(`${SCHEME}:`));
}

/**
 * @returns the route of the page, as the part of its address behind `#/`; null for anything else.
 * `modelium://models/tiny` is `models/tiny`.
 */
export function pageOfLink(link: string): string | null {
  if (link.length > LONGEST) return null;
  const [, page = '', part] = /^modelium:\/\/([a-z]+)(?:\/([^/?#]*))?\/?$/.exec(link) ?? [];
  if (!Object.hasOwn(PAGES, page)) return null;
  if (part === undefined || part === '') return page;
  const subject = decoded(part);
  return PAGES[page] === true && subject !== null && SUBJECT.test(subject) ? `${page}/${encodeURIComponent(subject)}` : null;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
