/**
 * Parts of the window that the first look does not need: fetched when they are asked for, or once
 * nothing else is to do. Only from an engine that has proven itself, because a part is a program,
 * and by then another program may hold the engine's port. The browser also compares each part with
 * the hash that the page came with (vite.config.ts). A part that could not be fetched is fetched
 * again as soon as the engine is back.
 */
import { type ComponentType, type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { onOpening } from './link.ts';
import { provenSession } from './session.ts';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';
import { Button } from './ui/button.tsx';
import { Note } from './ui/panel.tsx';

/** A part that is there within this time is not worth a word. */
const PATIENCE_MS = 300;
/** Without a quiet moment in this time they are fetched all the same. */
const IDLE_MS = 5_000;

class Part<Module> {
  module: Module | null = null;
  hasFailed = false;
  readonly #load: () => Promise<Module>;
  readonly #listeners = new Set<() => void>();
  #fetching: Promise<void> | null = null;

  constructor(load: () => Promise<Module>) {
    this.#load = load;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Ends when the part is there, or when it is known why not. */
  async fetch(): Promise<void> {
    if (this.module !== null) return;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    await this.#fetching;
  }

  /** What was in the way stays said until then: the page would be empty for a moment. */
  async #fetch(): Promise<void> {
    try {
      await provenSession();
      this.#set(await this.#load(), false);
    } catch {
      // Why: the browser's console has it. Whether the engine is away, the window knows by itself.
      this.#set(null, true);
    }
  }

  #set(module: Module | null, hasFailed: boolean): void {
    if (module === this.module && hasFailed === this.hasFailed) return;
    this.module = module;
    this.hasFailed = hasFailed;
    for (const listener of this.#listeners) listener();
  }
}

const parts = new Set<Part<unknown>>();

/**
 * Fetches every part that is not there, one after the other, whenever the link to the engine stands
 * again.
 */
export function followParts(): void {
  onOpening(() => {
    // Safari has no requestIdleCallback.
    const whenIdle = globalThis.requestIdleCallback ?? setTimeout;
    whenIdle(() => void fetchAll(), { timeout: IDLE_MS } as IdleRequestOptions & number);
  });
}

async function fetchAll(): Promise<void> {
  for (const part of parts) await part.fetch();
}

/** @returns a hook: null until the module is there, and where it does not come at all. */
export function laterModule<Module>(load: () => Promise<Module>): (isNeeded: boolean) => Module | null {
  const part = added(load);
  return (isNeeded) => {
    const module = useSyncExternalStore(part.subscribe, () => part.module);
    useEffect(() => {
      if (isNeeded) void part.fetch();
    }, [isNeeded]);
    return module;
  };
}

/**
 * @param frame what the words stand in while the part is not there: for a dialog, a dialog. At
 * first there are none, and most parts show nothing.
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  frame: (words: ReactNode, props: Props) => ReactNode = (words) => words,
): ComponentType<Props> {
  const part = added(load);
  return function Later(props: Props) {
    const Whole = useSyncExternalStore(part.subscribe, () => part.module);
    const hasFailed = useSyncExternalStore(part.subscribe, () => part.hasFailed);
    useEffect(() => void part.fetch(), []);
    return Whole === null ? <NotYet hasFailed={hasFailed}>{(words) => frame(words, props)}</NotYet> : <Whole {...props} />;
  };
}

function added<Module>(load: () => Promise<Module>): Part<Module> {
  const part = new Part(load);
  parts.add(part as Part<unknown>);
  return part;
}

interface NotYetProps {
  readonly hasFailed: boolean;
  readonly children: (words: ReactNode) => ReactNode;
}

/** Nothing at first; then words. */
function NotYet({ hasFailed, children }: NotYetProps) {
  const isLive = useWindow((state) => state.link.name === 'live');
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!hasFailed) return children(isLong ? <Note tone="info">{texts.window.fetchingPart}</Note> : null);
  if (!isLive) return children(<Note tone="info">{texts.window.partNotLoaded}</Note>);
  return children(
    <Note tone="bad">
      <p>{texts.window.partNotFetched}</p>
      <Button onClick={() => location.reload()} small>
        {texts.common.loadWindowAgain}
      </Button>
    </Note>,
  );
}
