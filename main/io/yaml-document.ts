/**
 * YAML text as a tree of nodes with their places in the text. The only importer of `yaml`.
 * Knows nothing of settings, and changes nothing: `yaml-edit.ts` cuts and pastes by these places.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node as ParsedNode, parseDocument } from 'yaml';

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

export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  return {
    root: toNode(document.contents, document),
    errors: document.errors.map(({ pos, message }) => ({ offset: pos[0], message: message.split('\n')[0] ?? message })),
    get comments() {
      return commentsOf(text);
    },
    data: () => document.toJS({ maxAliasCount: MOST_ALIASES }),
    place: (offset) => {
      const { line, col } = lines.linePos(offset);
      return `${line}:${col}`;
    },
  };
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

/** Marks of the lexer that stand for no text: a document begins, a scalar comes next, a flow collection ends in error. */
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
