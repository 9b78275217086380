/**
 * The open conversations, one for each model, and the answers in progress: they continue while
 * another page is shown, and survive a restart of the engine. One draft for all, parameters for
 * each. kept-chats.ts and kept-state.ts keep what survives a reload.
 */
import { create } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { type Answering, follow, giveUpLoad, isUnderWay, NOT_BEGUN } from './answering.ts';
import { type KeptChat, keepChat, keptChats } from './kept-chats.ts';
import { differs, type KeptState, keepState, keptState, type Mode } from './kept-state.ts';
import { type Body, DEFAULTS, isDefault, type Parameters, textBody } from './request.ts';

export interface Turn extends Answering {
  readonly id: number;
  readonly question: string;
  /** As `data:` addresses. */
  readonly images?: readonly string[];
  /** How many went with the question, and were too much to be kept. */
  readonly lostImages?: number;
}

type Question = Pick<Turn, 'question' | 'images'>;

/** Whose parameters those of a comparison are: no model's. */
export const COMPARED = '';

/** Whom is asked, and how. */
export interface Asked {
  readonly id: string;
  readonly requestKind: 'chat' | 'text';
}

interface PlaygroundState extends KeptState {
  readonly turns: Readonly<Record<string, readonly Turn[]>>;
  /** The last request of each model. */
  readonly requests: Readonly<Record<string, Body>>;
}

const NO_TURNS: readonly Turn[] = [];
const running = new Map<string, AbortController>();
let lastTurn = 0;

export const usePlayground = create<PlaygroundState>(() => {
  const kept = keptState();
  const open = keptChats().filter(({ id, modelId }) => kept.current[modelId] === id);
  return { ...kept, turns: Object.fromEntries(open.map((chat) => [chat.modelId, turnsOfChat(chat)])), requests: {} };
});
usePlayground.subscribe((state, before) => {
  if (differs(state, before)) keepState(state);
});
// An answer that is under way is kept as far as it came.
addEventListener('pagehide', () => {
  for (const modelId of running.keys()) keep(modelId);
});

function turnsOfChat({ turns }: KeptChat): readonly Turn[] {
  return turns.map(({ question, images = [], lostImages = 0, answer, reasoning = '', final = null }) => {
    lastTurn += 1;
    const phase = final === null ? 'stopped' : 'complete';
    return { ...NOT_BEGUN, id: lastTurn, question, images, lostImages, answer, reasoning, phase, final };
  });
}

/** The conversation as it stands now; a first word makes it one. */
function keep(modelId: string): void {
  const turns = turnsOf(modelId);
  if (turns.length === 0) return;
  const { current } = usePlayground.getState();
  const id = current[modelId] ?? crypto.randomUUID();
  if (current[modelId] === undefined) usePlayground.setState({ current: { ...current, [modelId]: id } });
  const kept = turns.map(({ question, images, lostImages, answer, reasoning, final }) => ({
    question,
    images,
    lostImages,
    answer,
    reasoning,
    final,
  }));
  keepChat(id, modelId, kept, Date.now());
}

function close(modelId: string): void {
  usePlayground.setState(({ current }) => ({ current: Object.fromEntries(Object.entries(current).filter(([id]) => id !== modelId)) }));
}

export function useTurns(modelId: string): readonly Turn[] {
  return usePlayground((state) => state.turns[modelId] ?? NO_TURNS);
}

/** Those that are answered: the same list as long as only the answer under way changes. */
export function useSettledTurns(modelId: string): readonly Turn[] {
  return usePlayground(useShallow((state) => (state.turns[modelId] ?? NO_TURNS).filter((turn) => !isUnderWay(turn))));
}

export function setDraft(draft: string): void {
  usePlayground.setState({ draft });
}

export function setMode(mode: Mode): void {
  usePlayground.setState({ mode });
}

export function useParameters(of: string): Parameters {
  return usePlayground((state) => state.parameters[of] ?? DEFAULTS);
}

export function parametersOf(of: string): Parameters {
  return usePlayground.getState().parameters[of] ?? DEFAULTS;
}

export function setParameters(of: string, change: Partial<Parameters>): void {
  usePlayground.setState(({ parameters: { [of]: before = DEFAULTS, ...others } }) => {
    const next = { ...before, ...change };
    return { parameters: isDefault(next) ? others : { ...others, [of]: next } };
  });
}

/** Asks, after what was said before. Does nothing while an answer of this model is under way. */
export function send(model: Asked, question: string, images: readonly string[] = []): void {
  if (running.has(model.id)) return;
  begin(model, { question, images }, turnsOf(model.id));
}

/** Asks the last question again; its answer goes. */
export function sendAgain(model: Asked): void {
  const last = turnsOf(model.id).at(-1);
  if (running.has(model.id) || last === undefined) return;
  begin(model, last, turnsOf(model.id).slice(0, -1));
}

/**
 * Goes on from before a question with another one, in a conversation of its own: the one that was
 * stays in the list as it is.
 */
export function branch(model: Asked, turnId: number, question: string): void {
  if (running.has(model.id)) return;
  const turns = turnsOf(model.id);
  close(model.id);
  const at = Math.max(
    0,
    turns.findIndex(({ id }) => id === turnId),
  );
  begin(model, { question, images: turns[at]?.images ?? [] }, turns.slice(0, at));
}

/** Has the model go on with its last answer where that broke off. */
export function goOn(model: Asked): void {
  const last = turnsOf(model.id).at(-1);
  if (running.has(model.id) || last === undefined) return;
  begin(model, last, turnsOf(model.id).slice(0, -1), last.answer);
}

/** Shows a kept conversation in place of the open one. */
export function openChat(chat: KeptChat): void {
  stop(chat.modelId);
  running.delete(chat.modelId);
  setTurns(chat.modelId, turnsOfChat(chat));
  usePlayground.setState(({ current }) => ({ current: { ...current, [chat.modelId]: chat.id } }));
}

/** Ends the answer, and the load that it waits for where nobody else waits for it. */
export function stop(modelId: string): void {
  const isWaiting = turnsOf(modelId).at(-1)?.phase === 'waiting';
  running.get(modelId)?.abort();
  if (isWaiting) giveUpLoad(modelId);
}

export function startAnew(modelId: string): void {
  stop(modelId);
  running.delete(modelId);
  close(modelId);
  setTurns(modelId, NO_TURNS);
}

function turnsOf(modelId: string): readonly Turn[] {
  return usePlayground.getState().turns[modelId] ?? NO_TURNS;
}

function setTurns(modelId: string, turns: readonly Turn[]): void {
  usePlayground.setState((state) => ({ turns: { ...state.turns, [modelId]: turns } }));
}

/** @param begun what the answer begins with already. */
function begin(model: Asked, { question, images = [] }: Question, before: readonly Turn[], begun = ''): void {
  const body = textBody(model.requestKind, before, question, parametersOf(model.id), begun, images);
  lastTurn += 1;
  const turn: Turn = { ...NOT_BEGUN, id: lastTurn, question, images, answer: begun };
  setTurns(model.id, [...before, turn]);
  usePlayground.setState((state) => ({ requests: { ...state.requests, [model.id]: body } }));
  keep(model.id);
  void answer(model.id, turn.id, body, begun);
}

async function answer(modelId: string, turnId: number, body: Body, begun: string): Promise<void> {
  const ending = new AbortController();
  running.set(modelId, ending);
  const update = (change: Partial<Turn>): void =>
    setTurns(
      modelId,
      turnsOf(modelId).map((turn) => (turn.id === turnId ? { ...turn, ...change } : turn)),
    );
  await follow(modelId, body, ending.signal, update, begun);
  // Another conversation may have been opened meanwhile.
  if (running.get(modelId) !== ending) return;
  running.delete(modelId);
  keep(modelId);
}
