/**
 * The ways of calling a chat template, and the limits of a rendering: first as transformers calls
 * it, then as templates written for other engines expect. Pure but for the clock.
 */
import type { Bounds } from '../../core/jinja/budget.ts';
import { TemplateBoundError } from '../../core/jinja/errors.ts';
import type { Template } from '../../core/jinja/template.ts';

/** A chat of 100,000 messages takes some 5 million steps. */
const BOUNDS: Bounds = {
  steps: 50_000_000,
  characters: 1_000_000_000,
  longestText: 100_000_000,
  milliseconds: 5_000,
  now: () => performance.now(),
};

interface Message {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

/** What differs from the way in which transformers calls a template. */
interface Variation {
  readonly values: Readonly<Record<string, unknown>>;
  /** Lists may be changed in place, which jinja2's sandbox forbids and others allow. */
  readonly mayChange: boolean;
}

/**
 * Some templates know no system role: its text then goes in front of the first message of the user,
 * as people do by hand.
 */
function withoutSystem(messages: readonly Message[]): readonly Message[] | null {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.findIndex(({ role }) => role === 'user');
  if (system.length === 0 || first < 0) return null;
  return others.map((message, index) => (index === first ? { ...message, content: [...system, message.content].join('\n\n') } : message));
}

/** Some templates put the arguments of earlier calls together as texts. */
function withTextArguments(messages: readonly Message[]): readonly Message[] | null {
  if (!messages.some(({ tool_calls: calls }) => Array.isArray(calls))) return null;
  return messages.map((message) => {
    if (!Array.isArray(message.tool_calls)) return message;
    const calls = message.tool_calls as readonly { readonly function?: { readonly arguments?: unknown } }[];
    const asText = (value: unknown) =>
      typeof value === 'string' ? value : JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? Number(item) : item));
    return {
      ...message,
      tool_calls: calls.map((call) => ({ ...call, function: { ...call.function, arguments: asText(call.function?.arguments) } })),
    };
  });
}

function* routesOf(given: Readonly<Record<string, unknown>>): Generator<Variation> {
  const tools = given['tools'] ?? null;
  const values = { ...given, tools, documents: null };
  const messages = given['messages'] as readonly Message[];
  yield { values, mayChange: false };
  yield { values, mayChange: true };
  if (tools === null) yield { values: { ...values, tools: undefined, documents: undefined }, mayChange: true };
  for (const other of [withTextArguments(messages), withoutSystem(messages)])
    if (other !== null) yield { values: { ...values, messages: other }, mayChange: true };
  // Fireworks' name for the tools, as a text, and the time of day beside it.
  yield {
    values: { ...values, functions: tools === null ? '' : JSON.stringify(tools), datetime: new Date().toUTCString() },
    mayChange: true,
  };
}

/** @throws TemplateError: the refusal of the first way. */
export function renderInWays(template: Template, values: Readonly<Record<string, unknown>>): string {
  let first: unknown = null;
  for (const { values: given, mayChange } of routesOf(values)) {
    try {
      return template.render(given, { bounds: { ...BOUNDS, mayChange }, now: () => new Date() });
    } catch (error) {
      first ??= error;
      // Another way would take as long.
      if (error instanceof TemplateBoundError) break;
    }
  }
  throw first;
}
