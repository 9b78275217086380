/**
 * The types of a verb: its description, and what it receives from the command line. Types only, so
 * that a verb does not depend on the program that calls it.
 */

export interface Shared {
  /** The folder that tells which engine is meant. */
  readonly stateFolder: string;
  readonly json: boolean;
  /** Tables are not cut to the terminal. */
  readonly wide?: boolean | undefined;
}

export type Options = Readonly<Record<string, unknown>>;
/** Answers the exit code: 0, 1 (it failed), 2 (wrong use). */
export type Run = (shared: Shared, given: readonly (string | undefined)[], options: Options) => Promise<number>;

export interface VerbOption {
  /** As the parser reads it: `-n, --limit <count>`. */
  readonly flags: string;
  readonly says: string;
  readonly parse?: (text: string) => unknown;
  readonly otherwise?: unknown;
}

export interface Verb {
  /**
   * `load <model>`: an argument named `model` is completed with the models' names, one named `path`
   * or `target` with files.
   */
  readonly usage: string;
  readonly says: string;
  readonly options?: readonly VerbOption[];
  readonly examples?: readonly string[];
  /** Not listed: for other programs. */
  readonly isHidden?: boolean;
  readonly run: Run;
}

export const JSON_OPTION: VerbOption = { flags: '--json', says: 'print JSON' };
export const WIDE_OPTION: VerbOption = { flags: '--wide', says: 'print whole cells, however long the lines get' };
