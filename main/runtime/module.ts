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
  /** Such as `9.0`; null if the driver does not report it. */
  readonly computeCapability: string | null;
  /** The driver's index; null if the driver does not report it. */
  readonly index: number | null;
}

/** All that a runtime may know of the machine and of Modelium. */
export interface MachineFacts {
  readonly settings: Settings;
  /** The folder of modelium.yaml. */
  readonly settingsFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The user that owns our processes; null: the system has no such numbers. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /**
   * Distinguishes this Modelium from others that use the same server: `owner` is the same at each
   * start, `run` is new for each run.
   */
  readonly instance: { readonly owner: string; readonly run: string };
  /** The root of the file system: `/`, except in tests. */
  readonly root: string;
  /** As Node names them: `linux-x64`. */
  readonly platform: string;
  readonly cpuCores: number;
  readonly node: NodeProgram;
  /** Programs of ours, by path. */
  readonly programs: { readonly embeddedServer: string; readonly convert: string; readonly findGpu: string; readonly rayApp: string };
  /** Whether the driver shows GPUs, and which, as a sentence without its full stop. */
  readonly driver: { readonly isPresent: boolean; readonly why: string };
  /**
   * Null: there is no such GPU. These figures never change, so a plan is the same whenever it is
   * computed.
   */
  gpu(id: DeviceId): GpuFacts | null;
}

/** Texts about the runtime for users. */
export interface RuntimeWords {
  /** The prefix of the runtime's own Prometheus metrics; null: it has none. */
  readonly metrics: string | null;
}

/**
 * @template Found the result of a search; the same object if nothing changed since the last one.
 */
export interface RuntimeModule<Found = unknown> {
  readonly id: RuntimeId;
  /** The name for users. */
  readonly name: string;
  /**
   * What serves the models: one process for each, one server for all of them, or a server that
   * others run.
   */
  readonly unit: 'process' | 'server' | 'remote';
  isEnabled(settings: Settings): boolean;
  /** The result before the first search. */
  readonly notFound: Found;
  /**
   * Searches for the runtime.
   * @param before the result of the last search, returned again if nothing changed.
   */
  find(machine: MachineFacts, before: Found): Steps<Found>;
  adapter(machine: MachineFacts, found: Found): Adapter;
  readonly preference: RuntimePreference;
  /** The lines about this runtime in `modelium check`, which runs without an engine. */
  check(machine: MachineFacts): Steps<readonly RuntimeFinding[]>;
  readonly words: RuntimeWords;
}

/** A runtime that this version cannot run, but whose models it recognises. */
export type LaterRuntime = Pick<RuntimeModule, 'id' | 'name' | 'unit' | 'preference'>;

/** The kinds of transformers folders that are served as text models. */
export const TEXT_KINDS: ReadonlySet<ModelKind> = new Set(['chat', 'completion', 'embedding', 'reranker', 'vision-language']);
