/**
 * Fields that clients send by habit and that change no answer here, for any runtime. They are
 * ignored, counted, and named in the header `x-modelium-ignored`. A field that would change the
 * answer must not be listed: a runtime that does not support it refuses it by name. Fields that
 * only some models support (such as reasoning effort) are reported by their runtime in the same
 * header.
 */

export const IGNORED_HEADER = 'x-modelium-ignored';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const IGNORED_FIELDS: ReadonlySet<string> = new Set([
  // OpenAI's own, about accounts, prices, caches and speed.
  ...words('user store metadata service_tier safety_identifier prompt_cache_key prompt_cache_retention prediction'),
  // Ollama's and LM Studio's, about how a model is loaded and how long it stays.
  ...words('keep_alive ttl num_ctx num_gpu num_thread num_batch main_gpu low_vram use_mmap use_mlock f16_kv numa draft_model'),
  // llama-server's, about its slots.
  ...words('id_slot slot_id'),
  // What chat programs and routers note for themselves.
  ...words('chat_id session_id conversation_id message_id request_id trace_id'),
]);

/** Those that only some models know; a runtime may say that it ignored one. */
const IGNORED_BY_SOME: ReadonlySet<string> = new Set(
  words('reasoning_effort verbosity think thinking enable_thinking reasoning include_reasoning'),
);

const NONE: readonly string[] = [];

/** The fields of a body that are ignored; the same empty list for every body that has none. */
export function ignoredIn(body: Readonly<Record<string, unknown>>): readonly string[] {
  let found: string[] | null = null;
  for (const name in body) {
    if (!IGNORED_FIELDS.has(name) || body[name] === null) continue;
    found ??= [];
    found.push(name);
  }
  return found ?? NONE;
}

/**
 * Adds what a runtime says that it ignored, as far as its names are known: the header becomes a
 * metric's label (I10).
 */
export function withReported(ignored: readonly string[], header: string): readonly string[] {
  const reported = words(header.replaceAll(',', ' ')).filter((name) => IGNORED_BY_SOME.has(name) || IGNORED_FIELDS.has(name));
  return [...new Set([...ignored, ...reported])];
}
