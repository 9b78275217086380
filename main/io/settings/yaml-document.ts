/**
 * YAML text as a tree of nodes with their places in the text. The only importer of `yaml`.
 * Knows nothing of settings, and changes nothing: `yaml-edit.ts` cuts and pastes by these places.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node as ParsedNode, parseDocument } from 'yaml';
import { quoted } from '../../../shared/visible.ts';

/** Places are offsets into the text; `end` is exclusive. */
export interface YamlNode {
  readonly kind: 'map' | 'list' | 'scalar' | 'alias';
  /** In braces or brackets. */
  readonly flow: boolean;
  /** Behind its anchor and tag. A value that is left out begins and ends where it would stand. */
  readonly start: number;
  readonly end: number;
  readonly anchor: string | null;
  /** For an alias: the anchor that it stands for. */
  readonly alias: string | null;
  readonly items: readonly YamlItem[];
  /** As plain data, aliases resolved. */
  data(): unknown;
}

/** A pair of a map, or an item of a list, whose `key` is its index. */
export interface YamlItem {
  /** Null for what no path can name: a key that is no scalar. */
  readonly key: string | null;
  /** Of the key, or of a list's value. */
  readonly start: number;
  readonly keyEnd: number;
  readonly value: YamlNode | null;
}

export interface YamlText {
  readonly root: YamlNode | null;
  /** What is no YAML, each with its place. */
  readonly errors: readonly { readonly offset: number; readonly message: string }[];
  readonly comments: readonly { readonly start: number; readonly text: string }[];
  /** Everything as plain data. @throws Error for aliases that lead nowhere, or to too much. */
  data(): unknown;
  /** `line:column` of an offset, both from 1. */
  place(offset: number): string;
}

const MOST_ALIASES = 100;
/** What aliases repeat is written out for whoever reads the settings. */
const MOST_REPEATED_CHARACTERS = 256 * 1024;
/**
 * Far deeper than any settings; the parser calls itself for each level, and takes minutes for a
 * text of brackets alone.
 */
const MOST_DEPTH = 32;
const TOO_DEEP = `this is nested more than ${MOST_DEPTH} deep.`;
/**
 * Lines and parts between commas: more than any settings have. The parser compares each key and
 * each anchor with all others, which takes seconds for some tens of thousands.
 */
const MOST_ENTRIES = 5_000;

/** What is wrong, and what to do, in our words; by the parser's codes. */
const WORDS: Readonly<Record<string, string>> = {
  BAD_INDENT:
    'this line is not indented like its neighbours: keys of one level begin in the same column, and what a bracket opens is closed on a line indented further.',
  TAB_AS_INDENT: 'this line is indented with a tab: use spaces.',
  DUPLICATE_KEY: 'this key is here twice: keep one of them.',
  MISSING_CHAR: 'something is not closed here: a quote, a bracket, or a space behind a colon is missing.',
  BAD_ALIAS: 'an alias (*name) has no anchor (&name).',
  BLOCK_AS_IMPLICIT_KEY: 'two keys stand on one line: give each its own.',
  BLOCK_IN_FLOW: 'a list or keys by lines cannot stand inside of brackets or braces.',
  MULTILINE_IMPLICIT_KEY: 'a key cannot go over several lines: is a colon missing?',
  UNEXPECTED_TOKEN: 'this is not expected here: look for a missing quote, colon or dash.',
  KEY_OVER_1024_CHARS: 'this key is longer than 1,024 characters: is a quote missing?',
  MULTIPLE_DOCS: 'a second document begins here (---): keep one.',
  BAD_SCALAR_START: 'a word cannot begin with this character: put it into quotes.',
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAG_RESOLVE_FAILED: 'a tag (!name) is not known here: remove it, or put the word into quotes.',
  BAD_DIRECTIVE: 'this line begins with %, but is not a YAML directive: remove it.',
};

export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const parsed = tooMuchIn(text) ?? parsedOf(text, lines);
  if ('offset' in parsed) return refusedText(text, parsed);
  return {
    root: toNode(parsed.contents, parsed),
    errors: parsed.errors.map(({ pos, code, message }) => ({
      offset: pos[0],
      message: WORDS[code] ?? quoted(message.split('\n')[0] ?? ''),
    })),
    get comments() {
      return commentsOf(text);
    },
    data: () => {
      const data = dataOf(() => parsed.toJS({ maxAliasCount: MOST_ALIASES }) as unknown);
      requireWrittenWithin(text.length + MOST_REPEATED_CHARACTERS, data);
      return data;
    },
    place: (offset) => placeIn(lines, offset),
  };
}

type YamlError = YamlText['errors'][number];

/**
 * The parser calls itself for whatever could be nested, also where that is an error. Its warnings
 * would go past our log.
 */
function parsedOf(text: string, lineCounter: LineCounter): Document | YamlError {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return { offset: 0, message: TOO_DEEP };
  }
}

/** One that is not parsed, or could not be. */
function refusedText(text: string, error: YamlError): YamlText {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1 && at < error.offset; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return { root: null, errors: [error], comments: [], data: () => null, place: (offset) => placeIn(lines, offset) };
}

function placeIn(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}

function dataOf(toData: () => unknown): unknown {
  try {
    return toData();
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const isUnknown = /^Unresolved alias/.test(cause.message);
    throw new ReferenceError(
      isUnknown ? WORDS['BAD_ALIAS'] : `aliases (*name) expand to more than ${MOST_ALIASES} values: write the values out.`,
      {
        cause,
      },
    );
  }
}

/** Data is never longer than its text but by aliases. @throws RangeError. */
function requireWrittenWithin(mostCharacters: number, data: unknown): void {
  let left = mostCharacters;
  const open = [data];
  while (open.length > 0 && left >= 0) {
    const value = open.pop();
    left -= typeof value === 'string' ? value.length : 1;
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value)) left -= Object.keys(value).join('').length;
    for (const inner of Object.values(value)) open.push(inner);
  }
  if (left < 0) throw new RangeError(`aliases (*name) repeat more than ${MOST_REPEATED_CHARACTERS} characters: use fewer of them.`);
}

/**
 * Where a text gets nested too deep or too long, told from its lines, indents, brackets, commas and
 * list marks alone; null: nowhere. Marks inside of quotes and comments count too, which no settings
 * have so many of.
 */
function tooMuchIn(text: string): YamlError | null {
  const indents: number[] = [];
  let brackets = 0;
  let opened = 0;
  let entries = 0;
  for (let start = 0; start < text.length; ) {
    const end = (text.indexOf('\n', start) + 1 || text.length + 1) - 1;
    let at = start;
    while (text[at] === ' ') at += 1;
    while ((indents.at(-1) ?? -1) >= at - start) indents.pop();
    indents.push(at - start);
    const isComment = text[at] === '#';
    if (at < end && !isComment) entries += 1;
    // As in `- - - x`: what follows a mark stands as deep as if it began a line there.
    while (isListMark(text[at]) && isSpace(text[at + 1])) {
      at += 1;
      while (isSpace(text[at])) at += 1;
      indents.push(at - start);
    }
    for (; at <= end; at += 1) {
      if (indents.length + brackets > MOST_DEPTH) return { offset: at, message: TOO_DEEP };
      if (Math.max(entries, opened) > MOST_ENTRIES) return { offset: at, message: `these are more than ${MOST_ENTRIES} entries.` };
      const character = text[at];
      if (character === ',' && !isComment) entries += 1;
      if (character === '[' || character === '{') {
        brackets += 1;
        opened += 1;
      } else if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
    }
    start = end + 1;
  }
  return null;
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function isListMark(character: string | undefined): boolean {
  return character === '-' || character === '?' || character === ':';
}

/** The node at a path, or the deepest one above it that is there. */
export function nodeAt(
  root: YamlNode | null,
  path: readonly (string | number)[],
): { readonly node: YamlNode | null; readonly depth: number } {
  let node = root;
  let depth = 0;
  for (const step of path) {
    const item = itemOf(node, step);
    if (item === undefined) break;
    node = item.value;
    depth += 1;
  }
  return { node, depth };
}

export function itemOf(node: YamlNode | null, step: string | number): YamlItem | undefined {
  return node?.items.find(({ key }) => key === String(step));
}

function toNode(parsed: unknown, document: Document): YamlNode | null {
  if (!isMap(parsed) && !isSeq(parsed) && !isScalar(parsed) && !isAlias(parsed)) return null;
  const [start = 0, end = start] = parsed.range ?? [];
  const common = { start, end, data: () => (parsed as ParsedNode).toJS(document, { maxAliasCount: MOST_ALIASES }) as unknown };
  if (isAlias(parsed)) return { ...common, kind: 'alias', flow: true, anchor: null, alias: parsed.source, items: [] };
  const node = { ...common, anchor: parsed.anchor ?? null, alias: null };
  if (isMap(parsed)) {
    const items = parsed.items.map(({ key, value }): YamlItem => {
      const [keyStart = 0, keyEnd = keyStart] = (key as ParsedNode | null)?.range ?? [];
      return { key: isScalar(key) ? String(key.value ?? '') : null, start: keyStart, keyEnd, value: toNode(value, document) };
    });
    return { ...node, kind: 'map', flow: parsed.flow === true, items };
  }
  if (!isSeq(parsed)) return { ...node, kind: 'scalar', flow: false, items: [] };
  const items = parsed.items.map((value, index): YamlItem => {
    const inner = toNode(value, document);
    const at = inner?.start ?? 0;
    return { key: String(index), start: at, keyEnd: at, value: inner };
  });
  return { ...node, kind: 'list', flow: parsed.flow === true, items };
}

/**
 * Marks of the lexer that stand for no text: a document begins, a scalar comes next, a flow
 * collection ends in error.
 */
const MARKS = ['\u0002', '\u0018', '\u001f'];
const SCALAR_NEXT = '\u001f';

function commentsOf(text: string): YamlText['comments'] {
  const found: { start: number; text: string }[] = [];
  let offset = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (token.startsWith('#') && before !== SCALAR_NEXT) found.push({ start: offset, text: token });
    if (!MARKS.includes(token)) offset += token.length;
    before = token;
  }
  return found;
}
