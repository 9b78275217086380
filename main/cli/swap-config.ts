/**
 * Reads a llama-swap configuration: how its models are started, with macros expanded. Its size is
 * bounded, because such files are shared between people. `swap-settings.ts` translates the result.
 * No I/O.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { readYaml, type YamlText } from '../io/settings/yaml-document.ts';

type Data = Readonly<Record<string, unknown>>;

/** Stand for what is known at the start only; no text of a person holds them. */
export const PORT = '\u0001';
export const MODEL_ID = '\u0002';
const RESERVED = /(?![\t\n\r])\p{Cc}/gu;

const MACRO = /\$\{([^${}]+)\}/g;
/** Macros in macros: deeper than this they lead in a circle. */
const MOST_ROUNDS = 20;
const MOST_CHARACTERS = 100_000;
const MOST_MODELS = 2_000;

export interface SwapModel {
  readonly name: string;
  /** Everything that it says, macros filled in. */
  readonly raw: Data;
  readonly command: string;
  /**
   * Macros that nobody defines, and environment variables that were filled in with what they are
   * now.
   */
  readonly unknown: readonly string[];
  readonly fromEnvironment: readonly string[];
}

export interface SwapConfig {
  /** All but models and macros. */
  readonly raw: Data;
  readonly models: readonly SwapModel[];
}

/**
 * @param file for the words of errors. @param env what `${env.NAME}` stands for.
 * @throws ModeliumError not-importable, with the place where it can be told.
 */
export function readSwapConfig(text: string, file: string, env: Readonly<Record<string, string | undefined>>): SwapConfig {
  const yaml = readYaml(text);
  const [error] = yaml.errors;
  if (error !== undefined) throw invalid(`${file}:${yaml.place(error.offset)}: ${error.message}`);
  const { models, macros, ...raw } = objectOf(dataOf(yaml, file), `${file}: expected sections, such as models:`);
  if (models === undefined) throw invalid(`${file} has no section models: it is not a llama-swap configuration.`);
  const entries = Object.entries(objectOf(models, `${file}: models: expected a section with a name for each model.`));
  if (entries.length > MOST_MODELS) throw invalid(`${file} names ${entries.length} models; at most ${MOST_MODELS} are read.`);
  const shared = textsOf(macros ?? {}, `${file}: macros: expected a section of texts.`);
  return { raw, models: entries.map(([name, value]) => modelOf(name, value, shared, env, file)) };
}

function dataOf(yaml: YamlText, file: string): unknown {
  try {
    return yaml.data();
  } catch (cause) {
    throw invalid(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function modelOf(
  name: string,
  value: unknown,
  shared: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
  file: string,
): SwapModel {
  const at = `${file}: models.${name}`;
  const { macros = {}, ...own } = objectOf(value, `${at}: expected a section with cmd.`);
  const filler = new Filler({ ...shared, ...textsOf(macros, `${at}.macros: expected a section of texts.`) }, env, at);
  // Before macros are filled in: one of several lines would else lead out of its comment.
  const raw = filler.all({ ...own, cmd: withoutComments(own['cmd']) }, 0) as Data;
  const { cmd } = raw;
  if (typeof cmd !== 'string' || cmd.trim() === '') throw invalid(`${at}: expected cmd, the command that starts it.`);
  return { name, raw, command: cmd, unknown: [...filler.unknown], fromEnvironment: [...filler.fromEnvironment] };
}

/** Fills the macros of one model in. */
class Filler {
  readonly unknown = new Set<string>();
  readonly fromEnvironment = new Set<string>();
  readonly #macros: Readonly<Record<string, string>>;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #at: string;

  constructor(macros: Readonly<Record<string, string>>, env: Readonly<Record<string, string | undefined>>, at: string) {
    this.#macros = macros;
    this.#env = env;
    this.#at = at;
  }

  all(value: unknown, depth: number): unknown {
    if (depth > MOST_ROUNDS) throw invalid(`${this.#at} is nested too deep.`);
    if (typeof value === 'string') return this.#filled(value);
    if (Array.isArray(value)) return value.map((each) => this.all(each, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.all(inner, depth + 1)]));
  }

  #filled(text: string): string {
    let now = text.replace(RESERVED, '');
    for (let round = 0; ; round += 1) {
      const next = now.replace(MACRO, (whole, name: string) => this.#valueOf(name.trim()) ?? whole);
      if (next === now) return now;
      if (round === MOST_ROUNDS) throw invalid(`${this.#at}: its macros lead in a circle.`);
      if (next.length > MOST_CHARACTERS) throw invalid(`${this.#at}: its macros make more than ${MOST_CHARACTERS} characters.`);
      now = next;
    }
  }

  #valueOf(name: string): string | null {
    if (name === 'PORT') return PORT;
    if (name === 'MODEL_ID') return MODEL_ID;
    // Of the command that stops it.
    if (name === 'PID') return null;
    const variable = /^env\.(\w+)$/.exec(name)?.[1];
    const value = variable === undefined ? (Object.hasOwn(this.#macros, name) ? this.#macros[name] : undefined) : this.#env[variable];
    if (value === undefined) this.unknown.add(name);
    else if (variable !== undefined) this.fromEnvironment.add(variable);
    return value?.replace(RESERVED, '') ?? null;
  }
}

function withoutComments(cmd: unknown): unknown {
  return typeof cmd === 'string' ? cmd.replace(/^[^\S\n]*#.*(?:\n|$)/gm, '') : cmd;
}

function objectOf(value: unknown, otherwise: string): Data {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data;
  throw invalid(otherwise);
}

function textsOf(value: unknown, otherwise: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectOf(value, otherwise));
  if (entries.some(([, inner]) => typeof inner === 'object' && inner !== null)) throw invalid(otherwise);
  return Object.fromEntries(entries.map(([key, inner]) => [key, String(inner)]));
}

function invalid(sentence: string): ModeliumError {
  return new ModeliumError('not-importable', sentence);
}
