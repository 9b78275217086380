/**
 * The conversations that are open, one for each model, and the answers under way: they go on while
 * another page is shown, and outlive an engine that restarts. One draft and one set of parameters
 * for all. What is kept over a reload: kept-chats.ts and kept-state.ts.
 */
import { create } from 'zustand';
import type { Final } from '../../../shared/answer-figures.ts';
import { type ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { unload } from '../../actions.ts';
import { useWindow } from '../../store.ts';
import { answerStream } from './asking.ts';
import { type KeptChat, keepChat, keptChats } from './kept-chats.ts';
import { keepState, keptState } from './kept-state.ts';
import { Pace } from './pace.ts';
import { type Body, type Exchange, type Parameters, textBody } from './request.ts';

export type Phase = 'waiting' | 'thinking' | 'writing' | 'complete' | 'stopped' | 'failed';

export interface Turn extends Exchange {
  readonly id: number;
  readonly phase: Phase;
  /** What the model thought aloud in front of its answer; empty where it does not. */
  readonly reasoning: string;
  /** The engine's words on what the request waits for, once it waits for long. */
  readonly why: string | null;
  readonly failure: ModeliumError | null;
  readonly final: Final | null;
}

/** Whom is asked, and how. */
export interface Asked {
  readonly id: string;
  readonly way: 'chat' | 'text';
}

interface PlaygroundState {
  readonly chosen: string | null;
  readonly draft: string;
  readonly parameters: Parameters;
  /** The kept conversation that a model's turns are; none: they are none yet. */
  readonly current: Readonly<Record<string, string>>;
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
  const isOther = (['chosen', 'draft', 'parameters', 'current'] as const).some((name) => state[name] !== before[name]);
  if (isOther) keepState(state);
});
// An answer that is under way is kept as far as it came.
addEventListener('pagehide', () => {
  for (const modelId of running.keys()) keep(modelId);
});

function turnsOfChat({ turns }: KeptChat): readonly Turn[] {
  return turns.map(({ question, answer, reasoning = '', final = null }) => {
    lastTurn += 1;
    const phase = final === null ? 'stopped' : 'complete';
    return { id: lastTurn, question, answer, reasoning, phase, why: null, failure: null, final };
  });
}

/** The conversation as it stands now; a first word makes it one. */
function keep(modelId: string): void {
  const turns = turnsOf(modelId);
  if (turns.length === 0) return;
  const { current } = usePlayground.getState();
  const id = current[modelId] ?? crypto.randomUUID();
  if (current[modelId] === undefined) usePlayground.setState({ current: { ...current, [modelId]: id } });
  const kept = turns.map(({ question, answer, reasoning, final }) => ({ question, answer, reasoning, final }));
  keepChat(id, modelId, kept, Date.now());
}

function close(modelId: string): void {
  usePlayground.setState(({ current }) => ({ current: Object.fromEntries(Object.entries(current).filter(([id]) => id !== modelId)) }));
}

export function useTurns(modelId: string): readonly Turn[] {
  return usePlayground((state) => state.turns[modelId] ?? NO_TURNS);
}

export function isUnderWay(turn: Turn | undefined): boolean {
  return turn?.phase === 'waiting' || turn?.phase === 'thinking' || turn?.phase === 'writing';
}

export function setDraft(draft: string): void {
  usePlayground.setState({ draft });
}

export function setParameters(change: Partial<Parameters>): void {
  usePlayground.setState(({ parameters }) => ({ parameters: { ...parameters, ...change } }));
}

/** Asks, after what was said before. Does nothing while an answer of this model is under way. */
export function send(model: Asked, question: string): void {
  if (running.has(model.id)) return;
  begin(model, question, turnsOf(model.id));
}

/** Asks the last question again; its answer goes. */
export function sendAgain(model: Asked, question: string): void {
  if (running.has(model.id)) return;
  begin(model, question, turnsOf(model.id).slice(0, -1));
}

/**
 * Goes on from before a question with another one, in a conversation of its own: the one that was
 * stays in the list as it is.
 */
export function branch(model: Asked, turnId: number, question: string): void {
  if (running.has(model.id)) return;
  const turns = turnsOf(model.id);
  close(model.id);
  begin(
    model,
    question,
    turns.slice(
      0,
      Math.max(
        0,
        turns.findIndex(({ id }) => id === turnId),
      ),
    ),
  );
}

/** Has the model go on with its last answer where that broke off. */
export function goOn(model: Asked): void {
  const last = turnsOf(model.id).at(-1);
  if (running.has(model.id) || last === undefined) return;
  begin(model, last.question, turnsOf(model.id).slice(0, -1), last.answer);
}

/** Shows a kept conversation in place of the open one. */
export function openChat(chat: KeptChat): void {
  stop(chat.modelId);
  running.delete(chat.modelId);
  setTurns(chat.modelId, turnsOfChat(chat));
  usePlayground.setState(({ current }) => ({ current: { ...current, [chat.modelId]: chat.id } }));
}

/**
 * Ends the answer, and the load that it waits for where nobody else waits for it: a load goes on
 * when its client merely leaves, but a person who stops it here says that it is not wanted.
 */
export function stop(modelId: string): void {
  const isWaiting = turnsOf(modelId).at(-1)?.phase === 'waiting';
  running.get(modelId)?.abort();
  const model = useWindow.getState().snapshot?.models.find(({ id }) => id === modelId);
  if (isWaiting && model !== undefined && COMING.has(model.state) && model.waiting <= 1) void unload(modelId);
}

/** The states of a model on its way to a device. */
const COMING: ReadonlySet<ModelView['state']> = new Set(['preparing', 'queued', 'loading']);

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
function begin(model: Asked, question: string, before: readonly Turn[], begun = ''): void {
  const body = textBody(model.way, before, question, usePlayground.getState().parameters, begun);
  lastTurn += 1;
  const turn: Turn = { id: lastTurn, question, answer: begun, reasoning: '', phase: 'waiting', why: null, failure: null, final: null };
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
  const thoughts = new Pace((reasoning) => update(pace.text === '' ? { reasoning, phase: 'thinking' } : { reasoning }));
  const pace = new Pace((text) => update({ answer: begun + text, reasoning: thoughts.text, phase: 'writing' }));
  try {
    for await (const coming of answerStream(modelId, body, ending.signal)) {
      if (coming.type === 'reasoning') thoughts.add(coming.text);
      else if (coming.type === 'text') {
        pace.add(coming.text);
      } else if (coming.type === 'waiting') update({ why: coming.why });
      else update({ answer: begun + pace.text, reasoning: thoughts.text, phase: 'complete', final: coming.final });
    }
  } catch (thrown) {
    const isStopped = ending.signal.aborted;
    update({
      answer: begun + pace.text,
      reasoning: thoughts.text,
      phase: isStopped ? 'stopped' : 'failed',
      failure: isStopped ? null : toModeliumError(thrown),
    });
  } finally {
    thoughts.end();
    pace.end();
    if (running.get(modelId) === ending) {
      running.delete(modelId);
      keep(modelId);
    }
  }
}
