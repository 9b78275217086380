/**
 * node-llama-cpp tries each of its libraries in a process of its own before it loads it, so that
 * one which this processor cannot run ends that process only: half of what a start costs. Here the
 * library for processors alone is loaded, in a process that holds nothing else, and there is
 * nothing to fall back to: what would end the trial ends the load, with the same words. A library
 * for GPUs is still tried first.
 */
import childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';

/** Answers as the process does in which all goes well. */
class PassedTrial extends EventEmitter {
  readonly exitCode = null;
  readonly killed = false;

  constructor() {
    super();
    setImmediate(() => this.emit('message', { type: 'ready' }));
  }

  send({ type }: { readonly type: string }): void {
    setImmediate(() => (type === 'exit' ? this.emit('exit', 0) : this.emit('message', { type: type === 'start' ? 'loaded' : 'done' })));
  }

  kill(): void {}
}

/** @param load loads the library; nothing else may start a process meanwhile. */
export async function withoutTrial<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
  const { fork } = childProcess;
  childProcess.fork = (() => new PassedTrial()) as unknown as typeof fork;
  syncBuiltinESMExports();
  try {
    return await load();
  } finally {
    childProcess.fork = fork;
    syncBuiltinESMExports();
  }
}
