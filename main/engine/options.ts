/** The options with which `modelium serve` or the window starts the engine. Types only. */
import type { NodeProgram } from '../packaged.ts';

export interface EngineOptions {
  /** Settings file: a path that must exist, null for none, undefined to search. */
  readonly config?: string | null | undefined;
  readonly stateFolder?: string;
  /** In place of the settings of the same meaning. */
  readonly host?: string;
  readonly port?: number;
  readonly watch?: readonly string[];
  /** How to start a Node of our own: Electron passes its binary and ELECTRON_RUN_AS_NODE. */
  readonly program: NodeProgram;
  /** Takes the story, a line at a time. */
  readonly write: (line: string) => void;
}
