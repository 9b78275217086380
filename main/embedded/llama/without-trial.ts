/**
 * Loads the CPU library of llama.cpp without node-llama-cpp's trial run. node-llama-cpp first tries
 * each library in a separate process, so that an unsupported one cannot crash the caller; the trial
 * is half of the start time. Here only the CPU library is loaded, in a process that holds nothing
 * else and has no fall-back, so a crash ends the load with the same message. A GPU library is still
 * tried first.
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
