/**
 * Conversations that this browser keeps: in its local storage and nowhere else, the newest first,
 * bounded. Owns the storage's form; what cannot be read or written is as if it were not there.
 */
import type { Final } from '../../../shared/answer-figures.ts';

const KEY = 'modelium-chats';
const CHATS_KEPT = 100;
/** Characters of all together: a browser gives an origin about five million. */
const CHARACTERS_KEPT = 2_000_000;
const TITLE_LENGTH = 80;

export interface KeptTurn {
  readonly question: string;
  readonly answer: string;
  readonly reasoning: string;
  readonly final: Final | null;
}

export interface KeptChat {
  readonly id: string;
  readonly modelId: string;
  readonly title: string;
  /** When it was last written to, in milliseconds since 1970. */
  readonly atMs: number;
  readonly turns: readonly KeptTurn[];
}

/** The newest first. */
export function keptChats(): readonly KeptChat[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isChat) : [];
  } catch {
    return [];
  }
}

/**
 * Adds it, or puts it in its former place's stead. Read anew each time: another window keeps chats
 * as well.
 */
export function keepChat(id: string, modelId: string, turns: readonly KeptTurn[], atMs: number): void {
  const [first] = turns;
  if (first === undefined) return;
  const title = first.question.trim().replaceAll(/\s+/g, ' ').slice(0, TITLE_LENGTH);
  write([{ id, modelId, title, atMs, turns }, ...keptChats().filter((chat) => chat.id !== id)]);
}

export function dropChat(id: string): void {
  write(keptChats().filter((chat) => chat.id !== id));
}

export function dropAllChats(): void {
  localStorage.removeItem(KEY);
}

/**
 * The oldest go first, until the rest is small enough for us and for the browser. The newest stays
 * whatever its size, if the browser takes it.
 */
function write(chats: readonly KeptChat[]): void {
  let characters = 0;
  let texts = chats.slice(0, CHATS_KEPT).map((chat) => JSON.stringify(chat));
  texts = texts.filter((text, index) => {
    characters += text.length;
    return index === 0 || characters <= CHARACTERS_KEPT;
  });
  while (texts.length > 0) {
    try {
      localStorage.setItem(KEY, `[${texts.join()}]`);
      return;
    } catch {
      texts = texts.slice(0, Math.floor(texts.length / 2));
    }
  }
  localStorage.removeItem(KEY);
}

function isChat(value: unknown): value is KeptChat {
  const chat = value as Partial<KeptChat> | null;
  const isWhole = typeof chat?.id === 'string' && typeof chat.modelId === 'string' && typeof chat.title === 'string';
  return (
    isWhole &&
    Array.isArray(chat.turns) &&
    chat.turns.every((turn) => typeof turn?.question === 'string' && typeof turn?.answer === 'string')
  );
}
