/**
 * Follows each item that was dropped or added in this window until it is registered, analyzed and
 * loaded, or refused with a reason. Owns the cards; the engine owns the models.
 */
import { create } from 'zustand';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { bytesInWords, MIB } from '../../shared/units.ts';
import { forget } from '../actions.ts';
import { type AnswerOf, ask } from '../api.ts';
import * as texts from '../texts.ts';
import { attempt, warn } from '../ui/toasts.tsx';

export interface Drop {
  readonly key: number;
  /** As the person knows it: the last part of its path. */
  readonly name: string;
  /** On the engine's machine; empty while the item is uploaded. */
  readonly path: string;
  /** What the engine made of it; null until it answered. */
  readonly modelId: string | null;
  /** By which the engine knows its upload; null: it is no upload. */
  readonly uploadKey: string | null;
  /** It was here before it was dropped. */
  readonly isKnown: boolean;
  readonly refusal: { readonly message: string; readonly hint: string } | null;
}

interface Drops {
  readonly drops: readonly Drop[];
}

/**
 * More than these at once would be a library, which a watch folder is for; and no more than that is
 * remembered.
 */
const MOST = 50;
let lastKey = 0;
/** Keys of drops that were cancelled before the engine had answered. */
const cancelled = new Set<number>();
/** Of uploads that have not been answered, by key. */
const uploads = new Map<number, AbortController>();

export const useDrops = create<Drops>(() => ({ drops: [] }));

/** Registers each path; a card follows it. Asked one after the other, in their order. */
export function addPaths(paths: readonly string[]): void {
  const drops = shown(paths.map((path) => ({ name: path.split('/').findLast((part) => part !== '') ?? path, path, uploadKey: null })));
  void (async () => {
    for (const drop of drops) await settled(drop.key, () => register(drop));
  })();
}

/**
 * Has each file copied into the first watch folder of the engine and registered there. Cancelling
 * leaves no copy.
 */
export function uploadFiles(files: readonly File[]): void {
  const drops = shown(files.map(({ name }) => ({ name, path: '', uploadKey: crypto.randomUUID() })));
  for (const { key } of drops) uploads.set(key, new AbortController());
  void (async () => {
    for (const [at, drop] of drops.entries()) {
      const [file, leaving] = [files[at], uploads.get(drop.key)];
      if (file === undefined || leaving === undefined) continue;
      await settled(drop.key, async () => {
        const { path, id } = await upload(file, drop.uploadKey, leaving.signal);
        change(drop.key, { path });
        follow(drop.key, { id, isKnown: false });
      });
      uploads.delete(drop.key);
    }
  })();
}

async function upload(file: File, key: Drop['uploadKey'], signal: AbortSignal): Promise<AnswerOf<'upload'>> {
  const { settings } = await ask<'settings'>('GET', '/control/settings', { signal });
  const most = (settings as Settings).api.max_body_mb * MIB;
  // It is read into this page's memory, because the proof of the request is made for its bytes.
  if (file.size > most)
    throw new ModeliumError('body-too-large', texts.drop.tooLarge(file.name, bytesInWords(file.size), bytesInWords(most)));
  const body = await file.arrayBuffer();
  return ask<'upload'>('POST', `/control/library/upload?name=${encodeURIComponent(file.name)}&key=${key}`, { body, signal });
}

function shown(items: readonly Pick<Drop, 'name' | 'path' | 'uploadKey'>[]): readonly Drop[] {
  if (items.length > MOST) {
    const left = items.length - MOST;
    warn(texts.drop.leftOut(left, items.length), texts.drop.tooMany(MOST));
  }
  const drops = items.slice(0, MOST).map((item): Drop => {
    lastKey += 1;
    return { ...item, key: lastKey, modelId: null, isKnown: false, refusal: null };
  });
  useDrops.setState((state) => ({ drops: [...state.drops, ...drops].slice(-MOST) }));
  return drops;
}

export function dismiss(key: number): void {
  useDrops.setState((state) => ({ drops: state.drops.filter((drop) => drop.key !== key) }));
}

/**
 * It was not meant: what is not asked for yet is not asked, and what the engine copies or registers
 * meanwhile, or has done just now, is taken back.
 */
export function cancel({ key, name, modelId, isKnown, uploadKey }: Drop): void {
  dismiss(key);
  if (modelId === null) cancelled.add(key);
  uploads.get(key)?.abort();
  // Also after the abort: the answer may have been on its way already.
  if (uploadKey !== null)
    void attempt(texts.toasts.notTakenBack(name), () =>
      ask<'takeBack'>('POST', '/control/library/take-back', { body: { key: uploadKey } }),
    );
  else if (modelId !== null && !isKnown) void forget(modelId);
}

export function dismissAll(): void {
  useDrops.setState({ drops: [] });
}

async function register({ key, path }: Drop): Promise<void> {
  const { id, isKnown } = await ask<'add'>('POST', '/control/library', { body: { path } });
  if (cancelled.has(key)) {
    if (!isKnown) void forget(id);
    return;
  }
  follow(key, { id, isKnown });
}

function follow(key: number, { id, isKnown }: { readonly id: string; readonly isKnown: boolean }): void {
  // One card for a model: the newest drop of it is what the person looks at.
  useDrops.setState((state) => ({ drops: state.drops.filter((drop) => drop.key === key || drop.modelId !== id) }));
  change(key, { modelId: id, isKnown });
}

/** Acts unless it was cancelled; what is thrown becomes the card's refusal. */
async function settled(key: number, act: () => Promise<void>): Promise<void> {
  try {
    if (!cancelled.has(key)) await act();
  } catch (thrown) {
    const error = toModeliumError(thrown);
    change(key, { refusal: { message: error.message, hint: error.hint } });
  }
  cancelled.delete(key);
}

function change(key: number, change: Partial<Drop>): void {
  useDrops.setState((state) => ({ drops: state.drops.map((drop) => (drop.key === key ? { ...drop, ...change } : drop)) }));
}
