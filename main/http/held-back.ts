/**
 * Holds a runtime back while its client reads more slowly than it answers, so that no more than a
 * buffer's worth is kept. A client that hardly reads while others wait for its place at the model
 * is given up: it would keep the place for hours, and a few such clients all places.
 */
import type { ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { UpstreamController } from './upstream.ts';

/** Between two looks; whoever took too little since the last one reads hardly. */
const LOOK_MS = 30_000;
/** 1 KiB a second. */
const LEAST_TAKEN_BYTES = 30 * 1024;

export interface HeldBackPorts {
  readonly clock: Clock;
  /** Do others wait for the place, or for the memory of its body? */
  isWaitedFor(): boolean;
  fail(error: ModeliumError): void;
}

export class HeldBack {
  readonly #response: ServerResponse;
  readonly #ports: HeldBackPorts;
  #controller: UpstreamController | null = null;
  #takenBytes: number;
  #cancel: () => void;

  constructor(response: ServerResponse, ports: HeldBackPorts) {
    this.#response = response;
    this.#ports = ports;
    this.#takenBytes = takenBytes(this.#response);
    this.#cancel = ports.clock.after(LOOK_MS, this.#look);
  }

  /** Until the client has read what was written. */
  hold(controller: UpstreamController | null): void {
    if (this.#controller !== null || controller === null) return;
    this.#controller = controller;
    controller.pause();
    this.#response.once('drain', () => {
      this.#controller = null;
      controller.resume();
    });
  }

  /** The request has ended. */
  end(): void {
    this.#cancel();
  }

  #look = (): void => {
    const taken = takenBytes(this.#response);
    const readsHardly = this.#controller !== null && taken - this.#takenBytes < LEAST_TAKEN_BYTES;
    this.#takenBytes = taken;
    const { clock, isWaitedFor, fail } = this.#ports;
    if (readsHardly && isWaitedFor())
      fail(new ModeliumError('cancelled', 'The client hardly read its answer, and others waited for its place.'));
    else this.#cancel = clock.after(LOOK_MS, this.#look);
  };
}

/**
 * A whole answer that is written waits in memory for its client: one that hardly reads it is cut.
 * @returns what stops the looks.
 */
export function cutIfUnread(response: ServerResponse, clock: Clock): () => void {
  let before = takenBytes(response);
  const look = (): void => {
    const now = takenBytes(response);
    if (now - before < LEAST_TAKEN_BYTES && !response.writableFinished) return void response.destroy();
    before = now;
    stop = clock.after(LOOK_MS, look);
  };
  let stop = clock.after(LOOK_MS, look);
  return () => stop();
}

function takenBytes({ socket }: ServerResponse): number {
  return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
}
