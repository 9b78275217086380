/**
 * The buffer of the event stream: numbered changes of the snapshot, bounded, at most four a second.
 * A client resumes by number. A sink (I9): windows and scripts read it, no decision does.
 */
import type { EngineEvent, ModelView, Snapshot } from '../../../shared/snapshot.ts';
import type { Clock } from '../ports.ts';

const LEAST_GAP_MS = 250;
const REMEMBERED = 512;

type Listener = (event: EngineEvent) => void;
type ChangeEvent = Extract<EngineEvent, { type: 'change' }>;

export class Changes {
  readonly #clock: Clock;
  readonly #read: () => Snapshot;
  readonly #listeners = new Set<Listener>();
  readonly #memory: { readonly event: ChangeEvent; readonly atMs: number }[] = [];
  readonly #sent = new Sent();
  #last: Snapshot | null = null;
  /**
   * Begins at the time of day, so that a number from before a restart never looks like one of ours.
   */
  #lastId: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, read: () => Snapshot) {
    this.#clock = clock;
    this.#read = read;
    this.#lastId = clock.wallTime();
  }

  /**
   * Something may be other than before; looked at once, soon. Costs nothing while nobody listens.
   */
  touch(): void {
    if (this.#listeners.size === 0 || this.#cancelTimer !== null) return;
    const waitMs = Math.max(0, this.#lastAtMs + LEAST_GAP_MS - this.#clock.now());
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#cancelTimer = null;
      this.#emit();
    });
  }

  /**
   * Hands over every change after `afterId`, or a whole snapshot when that is unknown or too long
   * ago; then each change as it comes.
   * @returns a function that ends it.
   */
  subscribe(afterId: number | null, listener: Listener): () => void {
    // Without listeners nothing was recorded: what passed since is caught up before the newcomer's
    // snapshot.
    if (this.#listeners.size === 0 && this.#last !== null) this.#emit();
    this.#listeners.add(listener);
    if (this.#last === null) {
      this.#lastAtMs = this.#clock.now();
      this.#last = this.#read();
      this.#sent.update(this.#last, this.#lastAtMs);
    }
    const oldest = this.#memory[0]?.event.id ?? this.#lastId + 1;
    const nowMs = this.#clock.now();
    if (afterId !== null && afterId <= this.#lastId && afterId >= oldest - 1) {
      for (const { event, atMs } of this.#memory) if (event.id > afterId) listener({ ...event, ageMs: nowMs - atMs });
    } else {
      listener({ type: 'snapshot', id: this.#lastId, ageMs: nowMs - this.#lastAtMs, snapshot: this.#last });
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
    const difference = this.#sent.update(snapshot, this.#lastAtMs);
    this.#last = snapshot;
    if (difference === null) return;
    this.#lastId += 1;
    const event = { type: 'change', id: this.#lastId, ageMs: 0, ...difference } as const;
    this.#memory.push({ event, atMs: this.#lastAtMs });
    if (this.#memory.length > REMEMBERED) this.#memory.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }
}

type Change = Pick<Extract<EngineEvent, { type: 'change' }>, 'changed' | 'removedModels'>;

const OTHER_PARTS = [
  'devices',
  'runtimes',
  'watchFolders',
  'settingsProblem',
  'lastDecisionId',
  'settingsFile',
  'tokensPerSecond',
] as const;
/**
 * Two readings of the clock in one turn differ by less; a request that ended meanwhile moves the
 * beginning of idleness by more, or shows itself.
 */
const SAME_MOMENT_MS = 500;

/**
 * What was told last, as text: comparing is done at each change, and writing a thousand views down
 * twice would cost more than all the rest.
 */
class Sent {
  #models = new Map<string, { readonly text: string; readonly idleSinceMs: number | null }>();
  #parts = new Map<string, string>();

  /** Only the models that differ, and each other part that differs; null when nothing does. */
  update(snapshot: Snapshot, nowMs: number): Change | null {
    const models = snapshot.models.filter((model) => this.#isChanged(model, nowMs));
    const present = new Set(snapshot.models.map(({ id }) => id));
    const removedModels = [...this.#models.keys()].filter((id) => !present.has(id));
    for (const id of removedModels) this.#models.delete(id);
    const changed: { -readonly [Key in keyof Snapshot]?: Snapshot[Key] } = models.length > 0 ? { models } : {};
    for (const part of OTHER_PARTS) {
      const text = JSON.stringify(snapshot[part]);
      if (this.#parts.get(part) !== text) Object.assign(changed, { [part]: snapshot[part] });
      this.#parts.set(part, text);
    }
    return Object.keys(changed).length === 0 && removedModels.length === 0 ? null : { changed, removedModels };
  }

  /** A model that only stays idle has not changed: whoever shows the seconds counts them. */
  #isChanged(model: ModelView, nowMs: number): boolean {
    const { idleMs, idleLeftMs, ...rest } = model;
    const idleSinceMs = idleMs === null ? null : nowMs - idleMs;
    // Whether idleness ends it at all is a change; the time follows from how long it idles.
    const text = JSON.stringify([
      rest,
      idleLeftMs === null,
      idleMs === null || idleLeftMs === null ? null : Math.round((idleMs + idleLeftMs) / 1000),
    ]);
    const before = this.#models.get(model.id);
    const idles = before !== undefined && (before.idleSinceMs === null) === (idleSinceMs === null);
    const same = idles && before.text === text && Math.abs((before.idleSinceMs ?? 0) - (idleSinceMs ?? 0)) < SAME_MOMENT_MS;
    // The beginning that was told stays: else many small steps would never add up to news.
    if (!same) this.#models.set(model.id, { text, idleSinceMs });
    return !same;
  }
}
