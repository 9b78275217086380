/**
 * The event stream's memory: numbered changes of the snapshot, bounded, at most four a second, resumed by number. A sink: what it holds is read
 * by windows and scripts and never by a decision (I9).
 */
import type { Snapshot } from '../../shared/snapshot.ts';
import type { EngineEvent } from './gateway.ts';
import type { Clock } from './ports.ts';

const LEAST_GAP_MS = 250;
const REMEMBERED = 512;

type Listener = (event: EngineEvent) => void;

export class Changes {
  readonly #clock: Clock;
  readonly #read: () => Snapshot;
  readonly #listeners = new Set<Listener>();
  readonly #memory: Extract<EngineEvent, { type: 'change' }>[] = [];
  #last: Snapshot | null = null;
  /** Begins at the time of day, so that a number from before a restart never looks like one of ours. */
  #lastId: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, read: () => Snapshot) {
    this.#clock = clock;
    this.#read = read;
    this.#lastId = clock.wallTime();
  }

  /** Something may be other than before; looked at once, soon. Costs nothing while nobody listens. */
  touch(): void {
    if (this.#listeners.size === 0 || this.#cancelTimer !== null) return;
    const waitMs = Math.max(0, this.#lastAtMs + LEAST_GAP_MS - this.#clock.now());
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#cancelTimer = null;
      this.#emit();
    });
  }

  /**
   * Hands over every change after `afterId`, or a whole snapshot when that is unknown or too long ago; then each change as it comes.
   * @returns a function that ends it.
   */
  subscribe(afterId: number | null, listener: Listener): () => void {
    // Without listeners nothing was recorded: what passed since is caught up before the newcomer's snapshot.
    if (this.#listeners.size === 0 && this.#last !== null) this.#emit();
    this.#listeners.add(listener);
    this.#last ??= this.#read();
    const oldest = this.#memory[0]?.id ?? this.#lastId + 1;
    if (afterId !== null && afterId <= this.#lastId && afterId >= oldest - 1) {
      for (const event of this.#memory) if (event.id > afterId) listener(event);
    } else {
      listener({ type: 'snapshot', id: this.#lastId, snapshot: this.#last });
    }
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#cancelTimer?.();
    this.#listeners.clear();
  }

  #emit(): void {
    this.#lastAtMs = this.#clock.now();
    const snapshot = this.#read();
    const difference = compare(this.#last, snapshot);
    this.#last = snapshot;
    if (difference === null) return;
    this.#lastId += 1;
    const event = { type: 'change', id: this.#lastId, ...difference } as const;
    this.#memory.push(event);
    if (this.#memory.length > REMEMBERED) this.#memory.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** Only the models that differ, and each other part that differs; null when nothing does. */
function compare(before: Snapshot | null, after: Snapshot): { changed: Partial<Snapshot>; removedModels: readonly string[] } | null {
  if (before === null) return { changed: after, removedModels: [] };
  const known = new Map(before.models.map((model) => [model.id, JSON.stringify(model)]));
  const models = after.models.filter((model) => known.get(model.id) !== JSON.stringify(model));
  const present = new Set(after.models.map((model) => model.id));
  const removedModels = before.models.map((model) => model.id).filter((id) => !present.has(id));
  const changed: { -readonly [Key in keyof Snapshot]?: Snapshot[Key] } = models.length > 0 ? { models } : {};
  for (const key of ['devices', 'runtimes', 'watchFolders', 'settingsProblem', 'lastDecisionId', 'settingsFile'] as const) {
    if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) Object.assign(changed, { [key]: after[key] });
  }
  return Object.keys(changed).length === 0 && removedModels.length === 0 ? null : { changed, removedModels };
}
