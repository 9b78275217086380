/**
 * Edits YAML text by replacing single values, so that comments, order and layout stay (the
 * package's own writer would reformat the whole file). It never loses a comment, not even that of a
 * removed key. The result is parsed and compared with the intended data before it is returned.
 * Knows nothing of settings and files.
 */
import { isDeepStrictEqual } from 'node:util';
import { ChangeRefused, changed, type DataChange, type DataPath, type DataStep, stepsOf } from './yaml-change.ts';
import { itemOf, readYaml, type YamlItem, type YamlNode, type YamlText } from './yaml-document.ts';
import { asLines, INDENT, inFlow, nested } from './yaml-words.ts';

/** A window saves what a person changed; each step reads the text once or twice (I10). */
const MOST_STEPS = 100;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * The text with the changes made, one after the other.
 * @param text YAML without errors.
 * @throws ChangeRefused, a sentence, when that cannot be done without harm.
 */
export function editYaml(text: string, changes: readonly DataChange[]): string {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  let now = text.slice(mark.length);
  let data: unknown = readYaml(now).data() ?? {};
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  let steps = 0;
  for (const change of changes) {
    const wanted = changed(data, change);
    for (const step of stepsOf(data, change)) {
      steps += 1;
      if (steps > MOST_STEPS) throw new ChangeRefused(`That is more than ${MOST_STEPS} values at once.`);
      now = carriedOut(now, step, newline);
    }
    data = wanted;
  }
  requireAsMeant(text.slice(mark.length), now, data);
  return mark + now;
}

/** The last word before a file is written: what was meant, and every comment. */
function requireAsMeant(before: string, after: string, meant: unknown): void {
  const read = readYaml(after);
  const left = read.comments.map(({ text }) => text.trim());
  const isLost = ({ text }: { text: string }): boolean => {
    const at = left.indexOf(text.trim());
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  };
  if (read.errors.length > 0 || !isDeepStrictEqual(read.data() ?? {}, meant) || readYaml(before).comments.some(isLost)) throw tooOdd();
}

function tooOdd(): ChangeRefused {
  return new ChangeRefused('The file is written in a way that cannot be edited from here safely: edit it by hand.');
}

/** The way to a value: each collection on it with the item that was taken. */
interface NodePath {
  readonly taken: readonly { readonly collection: YamlNode; readonly item: YamlItem }[];
  /** Where it ends: the value itself, or the deepest section that is there. */
  readonly node: YamlNode | null;
  /** What is not there. */
  readonly rest: DataPath;
}

function nodePathTo(root: YamlNode | null, path: DataPath): NodePath {
  const taken: { collection: YamlNode; item: YamlItem }[] = [];
  let node = root;
  for (const [index, step] of path.entries()) {
    const item = itemOf(node, step);
    if (node === null || item === undefined) return { taken, node, rest: path.slice(index) };
    taken.push({ collection: node, item });
    node = item.value;
  }
  return { taken, node, rest: [] };
}

function carriedOut(text: string, step: DataStep, newline: string): string {
  let now = text;
  for (let expanded = ''; ; now = expanded) {
    const read = readYaml(now);
    const path = nodePathTo(read.root, step.path);
    expanded = withoutAliases(now, read.root, path);
    if (expanded !== now) continue;
    const edit = new Edit(now, read, path, newline);
    if (step.removes) return edit.removed();
    return path.rest.length === 0 ? edit.replaced(step.value) : edit.inserted(step.value);
  }
}

/**
 * Who shares what is about to change gets a copy: aliases of all on the way and of what is
 * replaced, and an alias on the way itself.
 */
function withoutAliases(text: string, root: YamlNode | null, { taken, node, rest }: NodePath): string {
  const touched = [...taken.map(({ collection }) => collection), ...(node === null ? [] : allBelow(node))];
  const anchors = new Set(touched.flatMap(({ anchor }) => anchor ?? []));
  const shared = (root === null ? [] : allBelow(root)).filter((each) => each.alias !== null && anchors.has(each.alias));
  const onPath = node?.kind === 'alias' && rest.length > 0 ? [node] : [];
  const all = [...new Set([...shared, ...onPath])].toSorted((one, other) => other.start - one.start);
  return all.reduce((now, each) => now.slice(0, each.start) + inFlow(each.data(), false) + now.slice(each.end), text);
}

function allBelow(node: YamlNode): readonly YamlNode[] {
  return [node, ...node.items.flatMap(({ value }) => (value === null ? [] : allBelow(value)))];
}

/** One step in one text. */
class Edit {
  readonly #text: string;
  readonly #read: YamlText;
  readonly #path: NodePath;
  readonly #newline: string;

  constructor(text: string, read: YamlText, path: NodePath, newline: string) {
    this.#text = text;
    this.#read = read;
    this.#path = path;
    this.#newline = newline;
  }

  // ---- replacing --------------------------------------------------------------------------------

  replaced(value: unknown): string {
    const last = this.#path.taken.at(-1);
    if (last === undefined) throw tooOdd();
    return this.#withValue(last.collection, last.item, inFlow(value, this.#isJson(last.collection)));
  }

  #withValue(collection: YamlNode, { keyEnd, value }: YamlItem, words: string): string {
    // A key of a flow map without a colon.
    if (value === null) return this.#spliced(keyEnd, keyEnd, `: ${words}`);
    const isBlock = value.items.length > 0 && !value.flow;
    if (isBlock) return this.#withBlockReplaced(collection, keyEnd, value, words);
    const before = /[\s[{,]$/.test(this.#text.slice(0, value.start)) ? '' : ' ';
    const after = this.#text.slice(value.start, value.end).endsWith('\n') ? this.#newline : this.#text[value.end] === '#' ? ' ' : '';
    const comments = this.#commentsIn(value.start, value.end);
    const kept = comments.map((comment) => ` ${comment}${this.#newline}${this.#indentAt(value.start)}${' '.repeat(INDENT)}`).join('');
    return this.#spliced(value.start, value.end, before + words + kept + after);
  }

  /** `key:` with lines below becomes `key: value`; comments between those lines stay as lines. */
  #withBlockReplaced(collection: YamlNode, keyEnd: number, value: YamlNode, words: string): string {
    const colon = collection.kind === 'map' ? this.#text.indexOf(':', keyEnd) : this.#text.lastIndexOf('-', value.start - 1);
    const head = this.#lineEnd(colon);
    const onLine = this.#text.slice(colon + 1, head).trimEnd();
    if (colon < 0 || value.start < head || !/^\s*(#.*)?$/.test(onLine)) throw tooOdd();
    const end = this.#lineEnd(contentEnd(value));
    const comments = this.#commentsIn(head, end).map((comment) => this.#indentAt(colon) + comment + this.#newline);
    return this.#spliced(colon + 1, end, ` ${words}${onLine}${this.#newline}${comments.join('')}`);
  }

  // ---- inserting --------------------------------------------------------------------------------

  inserted(value: unknown): string {
    const { node, rest, taken } = this.#path;
    const inFlowAbove = taken.some(({ collection }) => collection.flow);
    if (node === null) {
      if (taken.length > 0) return this.replaced(nested(rest, value));
      return this.#linesInserted(this.#text.length, asLines(rest, value, 0));
    }
    if (node.kind === 'scalar') {
      const last = taken.at(-1);
      // A section that is left empty gets its lines below it; one that says `null` gets a value in
      // its place.
      if (last === undefined || node.end > node.start || inFlowAbove) return this.replaced(nested(rest, value));
      if (last.collection.kind !== 'map') throw tooOdd();
      return this.#linesInserted(this.#lineEnd(node.start), asLines(rest, value, this.#column(last.item.start) + INDENT));
    }
    const last = node.items.at(-1);
    if (node.flow) return this.#insertedInFlow(node, last, rest, value);
    if (last === undefined) throw tooOdd();
    const column = node.kind === 'map' ? this.#column(last.start) : this.#column(this.#dashOf(last));
    const lines =
      node.kind === 'map' ? asLines(rest, value, column) : [`${' '.repeat(column)}- ${inFlow(nested(rest.slice(1), value), false)}`];
    return this.#linesInserted(this.#lineEnd(itemEnd(last)), lines);
  }

  #insertedInFlow(node: YamlNode, last: YamlItem | undefined, [step, ...rest]: DataPath, value: unknown): string {
    const isJson = this.#isJson(node);
    const words = inFlow(nested(rest, value), isJson);
    const pair = node.kind === 'map' ? `${inFlow(String(step), isJson)}: ${words}` : words;
    if (last !== undefined) return this.#spliced(itemEnd(last), itemEnd(last), `, ${pair}`);
    const close = this.#text[node.start + 1];
    const pad = node.kind === 'map' && !isJson ? ' ' : '';
    return this.#spliced(node.start + 1, node.start + 1, pad + pair + (close === '}' || close === ']' ? pad : ''));
  }

  #linesInserted(at: number, lines: readonly string[]): string {
    const first = at > 0 && this.#text[at - 1] !== '\n' ? this.#newline : '';
    return this.#spliced(at, at, first + lines.map((line) => line + this.#newline).join(''));
  }

  // ---- removing ---------------------------------------------------------------------------------

  /**
   * With each section above that would be left empty; a list that becomes empty stays, as `[]`: it
   * means something.
   */
  removed(): string {
    const { taken } = this.#path;
    let level = taken.length - 1;
    while (level > 0 && taken[level]?.collection.items.length === 1 && taken[level]?.collection.kind === 'map') level -= 1;
    const at = taken[level];
    if (at === undefined || this.#path.rest.length > 0) throw tooOdd();
    const { collection, item } = at;
    if (collection.kind === 'list' && collection.items.length === 1) {
      const above = taken[level - 1];
      if (above === undefined) throw tooOdd();
      return this.#withValue(above.collection, above.item, '[]');
    }
    return collection.flow ? this.#removedFromFlow(collection, item) : this.#removedLines(collection, item);
  }

  #removedLines(collection: YamlNode, item: YamlItem): string {
    const start = collection.kind === 'map' ? item.start : this.#dashOf(item);
    const from = this.#lineStart(start);
    const indent = this.#text.slice(from, start);
    if (indent.trim() !== '') throw tooOdd();
    const to = this.#lineEnd(itemEnd(item));
    const comments = this.#commentsIn(from, to).map((comment) => indent + comment + this.#newline);
    return this.#spliced(from, to, comments.join(''));
  }

  #removedFromFlow({ items }: YamlNode, item: YamlItem): string {
    const index = items.indexOf(item);
    const [before, next] = [items[index - 1], items[index + 1]];
    const [from, to] =
      next !== undefined
        ? [item.start, next.start]
        : before !== undefined
          ? [itemEnd(before), itemEnd(item)]
          : [item.start, this.#behindComma(item)];
    const indent = this.#indentAt(from) + ' '.repeat(INDENT);
    const comments = this.#commentsIn(from, to).map((comment) => ` ${comment}${this.#newline}${indent}`);
    return this.#spliced(from, to, comments.join(''));
  }

  #behindComma(item: YamlItem): number {
    const end = itemEnd(item);
    return end + (/^\s*,/.exec(this.#text.slice(end))?.[0].length ?? 0);
  }

  // ---- places -----------------------------------------------------------------------------------

  #spliced(from: number, to: number, words: string): string {
    return this.#text.slice(0, from) + words + this.#text.slice(to);
  }

  #commentsIn(from: number, to: number): readonly string[] {
    return this.#read.comments.filter(({ start }) => start >= from && start < to).map(({ text }) => text.trimEnd());
  }

  /**
   * Behind the line that ends at or after this place; a block scalar ends at the start of the next
   * line already.
   */
  #lineEnd(at: number): number {
    if (this.#text[at - 1] === '\n') return at;
    const end = this.#text.indexOf('\n', at);
    return end < 0 ? this.#text.length : end + 1;
  }

  #lineStart(at: number): number {
    return this.#text.lastIndexOf('\n', at - 1) + 1;
  }

  #column(at: number): number {
    return at - this.#lineStart(at);
  }

  #indentAt(at: number): string {
    return /^ */.exec(this.#text.slice(this.#lineStart(at)))?.[0] ?? '';
  }

  #dashOf(item: YamlItem): number {
    return this.#text.lastIndexOf('-', item.start - 1);
  }

  /** Where the neighbours' names are quoted it is JSON, and stays it. */
  #isJson({ flow, items, start }: YamlNode): boolean {
    if (!flow) return false;
    const [first] = items;
    return this.#text[first?.start ?? start] === '"';
  }
}

function itemEnd({ keyEnd, value }: YamlItem): number {
  return value === null ? keyEnd : contentEnd(value);
}

/** Without the blank lines and comments that follow a block. */
function contentEnd(node: YamlNode): number {
  const last = node.items.at(-1);
  return last === undefined || node.flow ? node.end : itemEnd(last);
}
