/**
 * The values that a request passes to a chat template besides the messages: its own variables, and
 * the reasoning effort. Pure.
 */
import { type Body, invalid, isAbsent, isObject } from './openai-fields.ts';

/** Names for the wish that a model think, or not, and what a template must mention to know it. */
const WISHES = ['think', 'thinking', 'enable_thinking', 'reasoning'] as const;
const KNOWS_THINKING = /\b(?:enable_)?thinking\b/;

/**
 * Null: nothing is wished. Ollama writes true or false, Anthropic {"type": "disabled"}, OpenRouter
 * {"enabled": false}.
 */
function wishOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (!isObject(value)) return null;
  if (typeof value['enabled'] === 'boolean') return value['enabled'];
  return value['type'] === 'disabled' ? false : value['type'] === 'enabled' ? true : null;
}

function effortOf(body: Body): unknown {
  const { reasoning_effort: effort, reasoning } = body as { readonly reasoning_effort?: unknown; readonly reasoning?: unknown };
  return isAbsent(effort) && isObject(reasoning) ? reasoning['effort'] : effort;
}

/**
 * Values for the chat template's own variables, such as `enable_thinking`. @throws ModeliumError
 * invalid-body.
 */
export function readTemplateValues(body: Body): Body {
  const own = body['chat_template_kwargs'] ?? {};
  if (!isObject(own)) throw invalid('chat_template_kwargs', '"chat_template_kwargs" must be an object.');
  const effort = effortOf(body);
  if (!(isAbsent(effort) || typeof effort === 'string'))
    throw invalid('reasoning_effort', '"reasoning_effort" must be a text such as "low".');
  // OpenAI's word for no thoughts at all is "none".
  const wish = WISHES.map((name) => wishOf(body[name])).find((each) => each !== null) ?? (effort === 'none' ? false : null);
  return {
    ...(isAbsent(effort) ? {} : { reasoning_effort: effort }),
    // Two families of templates, two names.
    ...(wish === null ? {} : { enable_thinking: wish, thinking: wish }),
    ...own,
  };
}

/** Whether a wish that the model think, or not, reaches it through its template. */
export function knowsThinking(template: string): boolean {
  return KNOWS_THINKING.test(template);
}

/**
 * Fields of the request about thinking that this template does not know: they change nothing.
 * @param isHeeded the wish not to think is carried out without the template.
 */
export function unknownToTemplate(body: Body, template: string, isHeeded = false): readonly string[] {
  const isSent = (name: string) => !isAbsent(body[name]);
  const wishes = isHeeded || knowsThinking(template) ? [] : WISHES.filter(isSent);
  // An effort of "none" is such a wish too.
  const efforts = isHeeded ? ['verbosity'] : ['reasoning_effort', 'verbosity'];
  const others = efforts.filter((name) => isSent(name) && !template.includes(name));
  return [...wishes, ...others];
}
