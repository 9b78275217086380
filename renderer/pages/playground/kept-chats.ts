/**
 * Keeps conversations in the local storage of this browser and nowhere else, the newest first, with
 * a limit. Owns the format; entries that cannot be read or written are ignored.
 */
import type { Final } from '../../../shared/answer-figures.ts';

const KEY = 'modelium-chats';
const CHATS_KEPT = 100;
/** Characters of all together: a browser gives an origin about five million. */
const CHARACTERS_KEPT = 2_000_000;
/** Characters of their images, as `data:` addresses. */
const IMAGE_CHARACTERS_KEPT = 2_000_000;
const TITLE_LENGTH = 80;

export interface KeptTurn {
  readonly question: string;
  /** As `data:` addresses. */
  readonly images?: readonly string[] | undefined;
  /** How many of the question's images were too much to be kept. */
  readonly lostImages?: number | undefined;
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
 * Adds it, or puts it in its former place's stead. Read again each time: another window keeps chats
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
 * The oldest go first, until the rest is small enough for us and for the browser: images before
 * words. The newest stays whatever its size, if the browser takes it.
 */
function write(chats: readonly KeptChat[]): void {
  let characters = 0;
  let kept: readonly KeptChat[] = withFewerImages(chats.slice(0, CHATS_KEPT), IMAGE_CHARACTERS_KEPT).filter((chat, index) => {
    characters += JSON.stringify(chat).length - imageCharacters(chat.turns);
    return index === 0 || characters <= CHARACTERS_KEPT;
  });
  while (kept.length > 0) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      return;
    } catch {
      const hasImages = kept.some(({ turns }) => imageCharacters(turns) > 0);
      kept = hasImages ? withFewerImages(kept, 0) : kept.slice(0, Math.floor(kept.length / 2));
    }
  }
  localStorage.removeItem(KEY);
}

function imageCharacters(turns: readonly Pick<KeptTurn, 'images'>[]): number {
  return turns.reduce((sum, { images = [] }) => sum + images.reduce((own, { length }) => own + length, 0), 0);
}

/**
 * Those of the newest questions stay, as many as the characters allow; of the others only their
 * number.
 */
function withFewerImages(chats: readonly KeptChat[], charactersAllowed: number): readonly KeptChat[] {
  let left = charactersAllowed;
  return chats.map((chat) => {
    if (imageCharacters(chat.turns) === 0) return chat;
    const turns = chat.turns.toReversed().map((turn) => {
      const { images = [], lostImages = 0 } = turn;
      const size = imageCharacters([turn]);
      if (size <= left) {
        left -= size;
        return turn;
      }
      left = 0;
      return { ...turn, images: [], lostImages: lostImages + images.length };
    });
    return { ...chat, turns: turns.toReversed() };
  });
}

function isChat(value: unknown): value is KeptChat {
  const chat = value as Partial<KeptChat> | null;
  const isWhole = typeof chat?.id === 'string' && typeof chat.modelId === 'string' && typeof chat.title === 'string';
  return (
    isWhole &&
    Array.isArray(chat.turns) &&
    chat.turns.every(
      (turn) =>
        typeof turn?.question === 'string' && typeof turn?.answer === 'string' && areImages(turn.images) && isCount(turn.lostImages),
    )
  );
}

/** They are shown as they are, and sent: nothing else than what was attached here. */
function areImages(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((each) => typeof each === 'string' && each.startsWith('data:image/')));
}

function isCount(value: unknown): boolean {
  return value === undefined || Number.isSafeInteger(value);
}
