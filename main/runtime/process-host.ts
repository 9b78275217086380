/**
 * One process tree of a runtime: starts it, executes the adapter's steps that need a process, keeps
 * its last output lines and ends it. Knows processes and time; knows no states, memory or requests
 * (the manager does). `steps.ts` runs the steps in order. Guarded by test/core/story.test.ts.
 */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { measuredBytes } from '../core/memory/measure.ts';
import type { Sample } from '../core/ports.ts';
import type { Exit, LaunchedProcess, Processes, ProcessIdentity, ProcessTable, ScratchFolders } from '../core/process-ports.ts';
import type { Adapter, Explanation, Progress } from './adapter.ts';
import { askProgram } from './ask-program.ts';
import { GivenPorts } from './given-ports.ts';
import type { LastOutput } from './last-output.ts';
import { launchSecrets } from './launch-secrets.ts';
import type { Breaking, ModelHost } from './model-host.ts';
import type { Activity, StallLimits } from './stall-watch.ts';
import type { Step, Steps } from './step.ts';
import { cannotDo, type HostStep, type StepHost, type StepPorts, StepRunner } from './steps.ts';

export interface HostPorts extends StepPorts {
  readonly processes: Processes;
  readonly table: ProcessTable;
  readonly scratch: ScratchFolders;
  bootId(): string;
  settings(): Settings;
}

const GONE_POLL_MS = 5;
/**
 * After SIGKILL the kernel needs a moment to take a tree down; longer means a process stuck in the
 * kernel.
 */
const AFTER_KILL_MS = 5_000;
/**
 * 72 random bits. The id names the launch's folder, and sockets below it may have paths of 107
 * bytes: Ray needs 64 of them.
 */
const LAUNCH_ID_CHARACTERS = 12;
/** In an adapter's sentences, in front of a setting's name. */
const ANY_MODEL = 'models.NAME.';

export class ProcessHost implements StepHost, ModelHost {
  readonly isShared = false;
  readonly retryAtMs = null;
  readonly output: LastOutput;
  readonly #ports: HostPorts;
  readonly #adapter: Adapter;
  readonly #modelId: string;
  readonly #launchId: string;
  #process: LaunchedProcess | null = null;
  #spawning: Promise<void> | null = null;
  #leader: ProcessIdentity | null = null;
  #members: readonly ProcessIdentity[] = [];
  /** Of a container: its processes are no descendants of the leader. */
  #apart: readonly ProcessIdentity[] = [];
  #startsApart = false;
  readonly #givenPorts: GivenPorts;
  #exit: Exit | null = null;
  #explanation: Explanation | null = null;
  readonly #runner: StepRunner;
  #awaitsExit = false;
  readonly #listeners: ((message: unknown) => void)[] = [];
  #onBreak: (how: Breaking) => void = () => {};

  constructor(ports: HostPorts, adapter: Adapter, modelId: string, output: LastOutput) {
    this.#ports = ports;
    this.#adapter = adapter;
    this.#modelId = modelId;
    this.output = output;
    this.#runner = new StepRunner(ports, this);
    this.#givenPorts = new GivenPorts(ports.processes);
    this.#launchId = ports.randomWord().slice(0, LAUNCH_ID_CHARACTERS);
  }

  /** Process ids of the tree as last seen, the leader first. */
  pids(): readonly number[] {
    return this.#members.map((member) => member.pid);
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  /** What the adapter made of the exit; null while the process lives. */
  get explanation(): Explanation | null {
    return this.#explanation;
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listeners.push(listener);
  }

  /** Called when the leader ends, asked for or not. */
  onBreak(listener: (how: Breaking) => void): void {
    this.#onBreak = listener;
  }

  send(message: unknown): void {
    this.#process?.send(message);
  }

  measure(sample: Sample, before: Sample | null, predicted: DeviceBytes): DeviceBytes {
    const { residentBytes } = this.#ports.processes.activity(this.pids());
    return { ...measuredBytes(sample, before, this.pids(), predicted), [HOST_DEVICE]: residentBytes };
  }

  hung(): void {
    // Nobody else lives in it: it is ended with its model.
  }

  leaked(): void {
    // Its processes are gone: there is nothing to restart.
  }

  /**
   * Carries out an adapter's steps. On abort the generator is dropped where it stands; whoever
   * aborts ends the tree with `stop`.
   * @throws ModeliumError runtime-exited, load-stalled, load-too-long, cancelled, disk-full.
   */
  async run<Result>(
    steps: Steps<Result>,
    limits: StallLimits,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Result> {
    const result = await this.#runner.run(steps, limits, signal, onProgress);
    this.#findApart();
    this.#recordMembers();
    this.#ports.scratch.note(this.#launchId, this.pids());
    await this.#givenPorts.refuseStrangers(this.#modelId, this.pids());
    return result;
  }

  /**
   * Ends the tree: the signal that its runtime ends by, grace, SIGKILL of the group and of every
   * member seen. What it left on the disk goes with it.
   * @returns processes that still live after all that; the row stays in the table for them (I2).
   */
  async stop(graceMs: number): Promise<readonly ProcessIdentity[]> {
    const { processes, table, scratch } = this.#ports;
    // An abort may come between the launch and its identity: without waiting here the child would
    // be missed.
    await this.#spawning?.catch(() => {});
    if (this.#leader === null) {
      table.erase(this.#launchId);
      scratch.remove(this.#launchId);
      return [];
    }
    const leaderLives = processes.isAlive(this.#leader);
    // Without its leader the tree is nobody's descendant any more: what it left is found by the
    // launch id in its environment.
    this.#recordMembers(leaderLives && !this.#startsApart ? undefined : processes.findByLaunch(this.#launchId));
    scratch.note(this.#launchId, this.pids());
    const group = this.#leader.pid;
    const { leaderFirst, signal = 'SIGTERM' } = this.#adapter.stopping;
    if (leaderFirst && leaderLives) processes.signal([this.#leader], signal, null);
    else processes.signal(this.#members, signal, group);
    if (!(await this.#allGone(graceMs))) {
      this.#recordMembers(processes.members(group));
      processes.signal(this.#members, 'SIGKILL', group);
      await this.#allGone(AFTER_KILL_MS);
    }
    const survivors = this.#members.filter((member) => processes.isAlive(member));
    if (survivors.length === 0) {
      table.erase(this.#launchId);
      scratch.remove(this.#launchId);
    }
    return survivors;
  }

  carryOut(step: HostStep): Promise<unknown> | unknown {
    switch (step.do) {
      case 'port':
        return this.#givenPorts.give(this.#adapter.portRange);
      case 'scratch':
        return this.#ports.scratch.make(this.#launchId);
      case 'write':
        return this.#ports.scratch.write(this.#launchId, step.entry, step.parts);
      case 'spawn':
        this.#spawning = this.#spawn(step);
        return this.#spawning;
      case 'send':
        return this.#process?.send(step.message);
      case 'ask':
        return askProgram(this.#ports, step);
      case 'exit':
        this.#awaitsExit = true;
        return this.#process?.exited.then((exit) => ({ exit, lines: this.output.lines() }));
      default:
        return cannotDo('A process host', step);
    }
  }

  async #spawn(step: Extract<Step, { do: 'spawn' }>): Promise<void> {
    const { processes, table, bootId, clock, settings } = this.#ports;
    const row = { launchId: this.#launchId, modelId: this.#modelId, command: [step.command, ...step.args], leader: null, members: [] };
    try {
      table.intend({ ...row, startedAt: new Date(clock.wallTime()).toISOString(), bootId: bootId() });
    } catch (error) {
      // A child with a message channel dies with us even without a row; any other would be an
      // orphan (I2).
      if (!step.ipc) throw error;
    }
    this.#startsApart = step.startsApart === true;
    const env = { ...step.env, MODELIUM_LAUNCH: this.#launchId };
    this.output.hide(launchSecrets(step.args, step.env, settings()));
    const launched = await processes.launch({ command: step.command, args: step.args, env, cwd: null, ipc: step.ipc });
    this.#process = launched;
    this.#leader = processes.identify(launched.pid);
    launched.onLine((line) => this.#readLine(line));
    launched.onMessage((message) => {
      for (const listener of this.#listeners) listener(message);
    });
    void launched.exited.then((exit) => {
      this.#exit = exit;
      const explanation = this.#adapter.explainExit(exit, this.output.ofThisLaunch());
      // A person is told the key of this model, not of any.
      const message = this.output.quotable(explanation.message).replaceAll(ANY_MODEL, `models.${this.#modelId}.`);
      this.#explanation = { ...explanation, message };
      // Where the adapter waits for it, it is an answer.
      if (!this.#awaitsExit)
        this.#runner.interrupt(new ModeliumError(explanation.code, message, { origin: this.#adapter.id, lastOutput: this.output.lines() }));
      this.#onBreak('exited');
    });
    this.#recordMembers();
    this.#runner.signOfLife();
  }

  #readLine(line: string): void {
    this.output.add(line);
    const progress = this.#adapter.progress(line);
    if (progress !== null) this.#runner.progressed(progress);
  }

  activity(): Activity {
    this.#recordMembers();
    return this.#ports.processes.activity(this.pids());
  }

  residentByPid(): ReadonlyMap<number, number> {
    this.#recordMembers();
    return new Map(this.pids().map((pid) => [pid, this.#ports.processes.activity([pid]).residentBytes]));
  }

  /** What serves and is nobody's descendant here, once it answers: all of /proc is read for it. */
  #findApart(): void {
    if (!this.#startsApart || this.#leader === null) return;
    const family = new Set(this.#ports.processes.descendants(this.#leader.pid).map(({ pid }) => pid));
    this.#apart = this.#ports.processes.findByLaunch(this.#launchId).filter(({ pid }) => !family.has(pid));
  }

  /**
   * @param found who belongs to the tree now; by default the leader's descendants, which are cheap
   * to list (I12).
   */
  #recordMembers(found?: readonly ProcessIdentity[]): void {
    const { processes, table } = this.#ports;
    if (this.#leader === null) return;
    const seen = new Map(this.#members.filter((member) => processes.isAlive(member)).map((member) => [member.pid, member]));
    // With all of them gone the leader's number may belong to a stranger by now.
    if (found === undefined && this.#members.length > 0 && seen.size === 0) return;
    const roots = [this.#leader, ...this.#apart.filter((each) => processes.isAlive(each))];
    for (const member of found ?? roots.flatMap(({ pid }) => processes.descendants(pid))) seen.set(member.pid, member);
    const members = [...seen.values()];
    if (sameMembers(members, this.#members)) return;
    this.#members = members;
    // Who holds the memory is told with the phase: the tree may grow in one without a line.
    this.#runner.repeatProgress();
    try {
      table.record(this.#launchId, this.#leader, members);
    } catch {
      // A full disk: the intent row, if it was written, still finds the tree by its launch id.
    }
  }

  cancelled(): ModeliumError {
    return new ModeliumError('cancelled', `Loading ${this.#modelId} was cancelled.`);
  }

  failure(code: 'load-stalled' | 'load-too-long', what: string): ModeliumError {
    const { phase } = this.#runner;
    const message = `${this.#modelId} ${what} while loading on ${this.#adapter.id}${phase === null ? '' : ` (${phase})`}.`;
    return new ModeliumError(code, message, { origin: this.#adapter.id, lastOutput: this.output.lines() });
  }

  /**
   * A grandchild whose parents ended stays in the group, and nobody's descendant: looked for only
   * when the group outlives the family.
   */
  #leftInGroup(): boolean {
    const { processes } = this.#ports;
    const group = this.#leader?.pid ?? 0;
    if (!processes.groupExists(group)) return false;
    const left = processes.members(group);
    if (left.length > 0) this.#recordMembers(left);
    return left.length > 0;
  }

  async #allGone(withinMs: number): Promise<boolean> {
    const { clock, processes } = this.#ports;
    const deadlineMs = clock.now() + withinMs;
    for (;;) {
      if (!this.#members.some((member) => processes.isAlive(member)) && !this.#leftInGroup()) return true;
      if (clock.now() >= deadlineMs) return false;
      await new Promise<void>((resolve) => clock.after(GONE_POLL_MS, resolve));
    }
  }
}

function sameMembers(a: readonly ProcessIdentity[], b: readonly ProcessIdentity[]): boolean {
  return a.length === b.length && a.every((member, index) => member.pid === b[index]?.pid && member.startTime === b[index]?.startTime);
}
