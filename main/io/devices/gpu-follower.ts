/**
 * Follows one nvidia-smi child that prints rows again and again: cuts them into frames, and starts
 * a new child when it dies or falls silent. Knows nothing of what the rows mean.
 */
import type { Clock, Log } from '../../core/ports.ts';
import type { LaunchedProcess, Processes } from '../../core/process-ports.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/**
 * A child that prints nothing for so many periods (and at least SILENT_MS) hangs in the driver:
 * another may fare better.
 */
const SILENT_PERIODS = 15;
const SILENT_MS = 10_000;

export interface FollowerOptions<Row> {
  readonly what: string;
  readonly launch: () => Promise<LaunchedProcess>;
  readonly parse: (line: string) => Row | null;
  /** Rows of one frame differ in it. */
  readonly key: (row: Row) => string;
  /**
   * Rows in a whole frame; null: any number, none included, so that its end shows in the pause that
   * follows and silence is no fault.
   */
  readonly size: () => number | null;
  readonly periodMs: () => number;
  /** `atMs`: when its first row came, which may be a while before it is known to be whole. */
  readonly onFrame: (frame: readonly Row[], atMs: number) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Pick<Processes, 'identify' | 'signal'>;
}

export interface Follower {
  /** When the last row came, or the child was started. */
  receivedMs(): number;
  /** A new child in place of the present one, for another period. */
  restart(): void;
  close(): Promise<void>;
}

/** Starts at once; ends with close(). */
export function createFollower<Row>(options: FollowerOptions<Row>): Follower {
  return new ChildFollower(options);
}

class ChildFollower<Row> implements Follower {
  readonly #options: FollowerOptions<Row>;
  readonly #frame: Frame<Row>;
  #child: LaunchedProcess | null = null;
  /**
   * A child of an old generation is only waited for: its lines and its exit mean nothing any more.
   */
  #generation = 0;
  #receivedMs = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #complained = false;
  #cancelTimer = (): void => {};
  /** The present child's whole life, its launch included. */
  #life: Promise<void> = Promise.resolve();

  constructor(options: FollowerOptions<Row>) {
    this.#options = options;
    this.#frame = createFrame(options);
    this.#life = this.#begin();
  }

  receivedMs(): number {
    return this.#receivedMs;
  }

  restart(): void {
    this.#leave();
    this.#life = this.#begin();
  }

  async close(): Promise<void> {
    this.#leave();
    await this.#life;
  }

  async #begin(): Promise<void> {
    const mine = ++this.#generation;
    const begunMs = this.#options.clock.now();
    this.#receivedMs = begunMs;
    let launched: LaunchedProcess;
    try {
      launched = await this.#options.launch();
    } catch (error) {
      return this.#ended(mine, begunMs, error instanceof Error ? error.message : String(error));
    }
    if (mine !== this.#generation) {
      this.#kill(launched);
      await launched.exited;
      return;
    }
    this.#child = launched;
    let lastLine = '';
    launched.onLine((line) => {
      if (mine !== this.#generation) return;
      const row = this.#options.parse(line);
      lastLine = line;
      if (row === null) return;
      this.#receivedMs = this.#options.clock.now();
      this.#frame.add(row);
    });
    this.#watch(launched);
    const exit = await launched.exited;
    this.#ended(mine, begunMs, `it ended (${exit.signal ?? exit.code})${lastLine === '' ? '' : `: ${lastLine}`}`);
  }

  #ended(mine: number, begunMs: number, why: string): void {
    const { clock, log, what } = this.#options;
    if (mine !== this.#generation) return;
    this.#child = null;
    this.#cancelTimer();
    if (clock.now() - begunMs > LONGEST_PAUSE_MS) {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#complained = false;
    }
    // Said once: one that cannot start would say so for ever.
    if (!this.#complained) log.warn(`nvidia-smi stopped reporting the ${what}; the last reading is used until it reports again: ${why}`);
    this.#complained = true;
    this.#cancelTimer = clock.after(this.#pauseMs, () => {
      this.#life = this.#begin();
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #watch(child: LaunchedProcess): void {
    const { clock, periodMs, size } = this.#options;
    if (size() === null) return;
    const allowedMs = Math.max(SILENT_MS, SILENT_PERIODS * periodMs());
    this.#cancelTimer = clock.after(allowedMs / 2, () => {
      // Killed, its exit starts the next one.
      if (clock.now() - this.#receivedMs >= allowedMs) this.#kill(child);
      this.#watch(child);
    });
  }

  #kill(child: LaunchedProcess): void {
    const identity = this.#options.processes.identify(child.pid);
    // A group of its own: a wrapper script's child goes with it.
    if (identity !== null) this.#options.processes.signal([identity], 'SIGKILL', child.pid);
  }

  #leave(): LaunchedProcess | null {
    const child = this.#child;
    this.#generation += 1;
    this.#child = null;
    this.#cancelTimer();
    this.#frame.drop();
    if (child !== null) this.#kill(child);
    return child;
  }
}

interface Frame<Row> {
  add(row: Row): void;
  drop(): void;
}

/**
 * Rows have no mark between frames: one is whole with its last row, when a row comes again, or when
 * nothing follows for half a period.
 */
function createFrame<Row>({ key, size, periodMs, onFrame, clock }: FollowerOptions<Row>): Frame<Row> {
  const rows = new Map<string, Row>();
  let begunMs = 0;
  let cancel = (): void => {};
  function flush(): void {
    cancel();
    if (rows.size === 0) return;
    const frame = [...rows.values()];
    rows.clear();
    onFrame(frame, begunMs);
  }
  return {
    add(row) {
      if (rows.has(key(row))) flush();
      if (rows.size === 0) begunMs = clock.now();
      rows.set(key(row), row);
      cancel();
      if (rows.size === size()) flush();
      else cancel = clock.after(periodMs() / 2, flush);
    },
    drop() {
      cancel();
      rows.clear();
    },
  };
}
