/** What every verb gets of the command line. Types only, so that a verb knows nothing of the program that calls it. */

export interface Shared {
  /** The folder that tells which engine is meant. */
  readonly stateFolder: string;
  readonly json: boolean;
}
