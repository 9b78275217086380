/**
 * What the folder of a runtime exports: name, search and adapter. Types, and helpers for their
 * users. A new runtime is a folder with such a module and a line in `adapters.ts`.
 */
import type { DeviceId, RuntimeId } from '../../shared/decision.ts';
import type { ModelKind } from '../../shared/profile.ts';
import type { Settings } from '../../shared/settings.ts';
import type { RuntimeFinding, RuntimePreference } from '../core/decide/planner.ts';
import type { Adapter } from './adapter.ts';
import type { Steps } from './step.ts';

/** How to start a Node of our own. */
export interface NodeProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface GpuFacts {
  readonly totalBytes: number;
  /** `9.0`; null where the driver does not tell. */
  readonly computeCapability: string | null;
  /** As the driver counts; null where it does not tell. */
  readonly index: number | null;
}

/** All that a runtime may know of the machine and of us. */
export interface MachineFacts {
  readonly settings: Settings;
  /** The folder of modelium.yaml. */
  readonly settingsFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Whose processes ours are; null: the system has no such numbers. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /**
   * Tells this Modelium from others on a server that they share: the same at each start, and
   * another word for each run.
   */
  readonly instance: { readonly owner: string; readonly run: string };
  /** `/`; tests have another. */
  readonly root: string;
  /** As Node names them: `linux-x64`. */
  readonly platform: string;
  readonly cpuCores: number;
  readonly node: NodeProgram;
  /** Programs of ours, by path. */
  readonly programs: { readonly embeddedServer: string; readonly convert: string; readonly findGpu: string; readonly rayApp: string };
  /** Does the driver show GPUs, and which; in a sentence without its full stop. */
  readonly driver: { readonly isPresent: boolean; readonly why: string };
  /**
   * Null: there is no such GPU. Neither figure ever changes, so that a plan is the same whenever it
   * is computed.
   */
  gpu(id: DeviceId): GpuFacts | null;
}

/** What people read of it. */
export interface RuntimeWords {
  /** The prefix by which its own figures for Prometheus are known; null: it keeps none. */
  readonly metrics: string | null;
}

/**
 * @template Found what its search found; the same object where nothing changed since.
 */
export interface RuntimeModule<Found = unknown> {
  readonly id: RuntimeId;
  /** As people call it. */
  readonly name: string;
  /**
   * What runs: a process for each model, one server for all of them, or a server that is somebody
   * else's.
   */
  readonly unit: 'process' | 'server' | 'remote';
  isEnabled(settings: Settings): boolean;
  /** Before the first search. */
  readonly notFound: Found;
  /**
   * Looks for it. @param before what the last search found: answered again where nothing changed.
   */
  find(machine: MachineFacts, before: Found): Steps<Found>;
  adapter(machine: MachineFacts, found: Found): Adapter;
  readonly preference: RuntimePreference;
  /** What `modelium check` says of it without an engine. */
  check(machine: MachineFacts): Steps<readonly RuntimeFinding[]>;
  readonly words: RuntimeWords;
}

/** One that this version cannot run, but whose models it knows. */
export type LaterRuntime = Pick<RuntimeModule, 'id' | 'name' | 'unit' | 'preference'>;

/** Kinds of which a folder of transformers is served as text. */
export const TEXT_KINDS: ReadonlySet<ModelKind> = new Set(['chat', 'completion', 'embedding', 'reranker', 'vision-language']);
