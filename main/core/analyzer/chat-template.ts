/**
 * Finds the chat templates in a model's files and checks whether they can be rendered, so that a
 * broken one is reported when the model is dropped, not at its first chat. Pure.
 */
import { refusalOf, TemplateBoundError } from '../jinja/errors.ts';
import { Template } from '../jinja/template.ts';
import { isObject } from './json.ts';

/** The folder in which newer models keep the templates beside the default one. */
export const MORE_TEMPLATES = 'additional_chat_templates/';

export interface FoundTemplates {
  readonly text: string;
  /** For chats with tools, where that is another one. */
  readonly toolText: string | null;
}

/**
 * Of several places the first that holds templates: one text, a list of named ones, or an object of
 * them, as transformers reads them.
 * @returns null where there is none.
 */
export function namedTemplates(places: readonly unknown[]): FoundTemplates | null {
  for (const place of places) {
    const named = new Map(entriesOf(place));
    const text = named.get('default') ?? [...named.values()][0];
    if (text !== undefined) return { text, toolText: named.get('tool_use') ?? null };
  }
  return null;
}

function entriesOf(place: unknown): readonly (readonly [string, string])[] {
  const isText = (entry: readonly [string, unknown]): entry is readonly [string, string] => typeof entry[1] === 'string' && entry[1] !== '';
  if (typeof place === 'string') return place === '' ? [] : [['default', place]];
  if (Array.isArray(place))
    return place
      .filter(isObject)
      .map((each) => [String(each['name']), each['template']] as const)
      .filter(isText);
  return isObject(place)
    ? Object.entries(place)
        .map(([name, text]) => [name, text] as const)
        .filter(isText)
    : [];
}

/** Enough for any honest template, and a matter of milliseconds. */
const BOUNDS = { steps: 200_000, characters: 5_000_000, longestText: 1_000_000, milliseconds: 1, now: () => 0, mayChange: true };
const USER = { role: 'user', content: 'Hello' };
const TOOL = { type: 'function', function: { name: 'clock', description: 'The time.', parameters: { type: 'object', properties: {} } } };
/** A template is in order when it renders one of these. */
const CHATS: readonly Readonly<Record<string, unknown>>[] = [
  { messages: [USER], tools: null },
  { messages: [USER] },
  { messages: [{ role: 'system', content: 'Be brief.' }, USER], tools: [TOOL], functions: '[]', datetime: '' },
  { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] },
];

/** A sentence about a template that no chat can be rendered with; null where one can. */
export function templateFault(text: string): string | null {
  let first: unknown = null;
  try {
    const template = new Template(text);
    for (const chat of CHATS) {
      try {
        const variables = { bos_token: '<s>', eos_token: '</s>', add_generation_prompt: true, ...chat };
        template.render(variables, { bounds: BOUNDS, now: () => new Date(0) });
        return null;
      } catch (error) {
        first ??= error;
        if (error instanceof TemplateBoundError) break;
      }
    }
  } catch (error) {
    first = error;
  }
  return `Its chat template cannot be rendered (${refusalOf(first)}): it completes text, and refuses chats.`;
}
