/**
 * Finds words for people in a source of the page: in JSX, in what is shown or read out by name
 * (titles, labels, placeholders), and anything that reads like words wherever it stands. Names of
 * programs in `<code>` and of keys in `<kbd>` are none. Pure.
 */
import { parseSync } from 'vite';

interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Whatever is given under these names is shown or read out. */
const SHOWN =
  /^(?:title|label|aria-(?:label|description|roledescription|valuetext)|alt|placeholder|description|help|hint|sentence|words?|verb|does|yes|then|gap|what|other|head|data-head)$/;
/** And under these never, though it may look like words. */
const NEVER_SHOWN = /^(?:className|d|fill|font|id|key|rel|viewBox)$/;
const LETTER = /\p{L}/u;
/** Two words, or one beside a figure: `3 models`. */
const WORDS = /\p{L}{2,} [\p{L}\d]|\d \p{L}{2,}/u;
/** As a button or the head of a table begins. */
const CAPITALISED = /^\p{Lu}\p{Ll}/u;
/** Keys of the keyboard, languages of programs, and names that browsers and React ask for. */
const NAMES: ReadonlySet<string> = new Set('Ctrl Esc Escape Enter Shift End Files Block Python JavaScript'.split(' '));

/** A line for each. @param file its name tells whether it may hold JSX. */
export function wordsIn(file: string, text: string): readonly string[] {
  const { program, errors } = parseSync(file, text, { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const found = new Map<number, string>();
  const note = ({ start, end }: Syntax): void => {
    found.set(start, `${file}:${text.slice(0, start).split('\n').length}: ${text.slice(start, end).replaceAll(/\s+/g, ' ').trim()}`);
  };
  const visit = (syntax: Syntax, parent: Syntax | null): void => {
    if (/^Import|^TS(?:Type|Interface|Literal)/.test(syntax.type) || isNeverShown(syntax)) return;
    for (const each of shownBy(syntax, parent)) if (LETTER.test(written(each) ?? '') && !isName(each)) note(each);
    const words = written(syntax);
    if (words !== null && syntax.type !== 'JSXText' && (WORDS.test(words) || CAPITALISED.test(words)) && !isName(syntax)) note(syntax);
    for (const inner of partsOf(syntax)) visit(inner, syntax);
  };
  visit(program as unknown as Syntax, null);
  return [...found.values()];
}

/** What stands there to be read by a person, each possible text by itself. */
function shownBy(syntax: Syntax, parent: Syntax | null): readonly Syntax[] {
  if (syntax.type === 'JSXText' && !/^(?:code|kbd)$/.test(elementName(parent))) return [syntax];
  if (syntax.type === 'JSXExpressionContainer' && /^JSX(?:Element|Fragment)$/.test(parent?.type ?? ''))
    return results(syntax['expression']);
  const isNamed = syntax.type === 'JSXAttribute' || syntax.type === 'Property';
  return isNamed && SHOWN.test(nameOf(syntax)) ? results(syntax['value']) : [];
}

/** The texts that an expression may come to, as far as they are written in it. */
function results(expression: unknown): readonly Syntax[] {
  if (!isSyntax(expression)) return [];
  const of = (...keys: readonly string[]): readonly Syntax[] => keys.flatMap((key) => results(expression[key]));
  switch (expression.type) {
    case 'Literal':
    case 'TemplateLiteral':
      return [expression];
    case 'ConditionalExpression':
      return of('consequent', 'alternate');
    case 'LogicalExpression':
    case 'BinaryExpression':
      return /^(?:&&|\|\||\?\?|\+)$/.test(String(expression['operator'])) ? of('left', 'right') : [];
    case 'ArrayExpression':
      return (expression['elements'] as readonly unknown[]).flatMap(results);
    case 'JSXExpressionContainer':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
      return of('expression');
    default:
      return [];
  }
}

/** What is thrown at programmers, and what names something: classes, identities, drawings. */
function isNeverShown(syntax: Syntax): boolean {
  if (syntax.type === 'NewExpression') return (syntax['callee'] as Syntax)['name'] === 'Error';
  return (syntax.type === 'JSXAttribute' || syntax.type === 'Property') && NEVER_SHOWN.test(nameOf(syntax));
}

/** A template's expressions count as figures. Null: it is no text. */
function written(syntax: Syntax): string | null {
  if (syntax.type === 'JSXText') return String(syntax['value']);
  if (syntax.type === 'Literal') return typeof syntax['value'] === 'string' ? syntax['value'] : null;
  if (syntax.type !== 'TemplateLiteral') return null;
  return (syntax['quasis'] as readonly { readonly value: { readonly cooked: string } }[]).map(({ value }) => value.cooked).join('0');
}

/** Of a key, a language, a path, a property of the style sheet, or a place in the document. */
function isName(syntax: Syntax): boolean {
  const words = written(syntax) ?? '';
  return NAMES.has(words) || /^(?:[/#]|--|color-mix\()/.test(words);
}

function nameOf(syntax: Syntax): string {
  const name = (syntax['name'] ?? syntax['key']) as { readonly name?: unknown; readonly value?: unknown };
  return String(name.name ?? name.value);
}

function elementName(syntax: Syntax | null): string {
  const opening = syntax?.['openingElement'] as { readonly name?: { readonly name?: unknown } } | undefined;
  return String(opening?.name?.name ?? '');
}

function partsOf(syntax: Syntax): readonly Syntax[] {
  return Object.values(syntax)
    .flatMap((value) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]))
    .filter(isSyntax);
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value;
}
