/**
 * Who sends a request, and whether that client has left. For the hot path an abort signal with one
 * listener, cheap enough for thousands of requests a second.
 */
import type { ServerResponse } from 'node:http';
import type { Departure } from '../core/gateway.ts';

/** What work on another thread has to know of whoever asks for it. */
export interface Asking {
  readonly signal: Departure;
  /** Callers take turns. */
  readonly caller: string;
}

interface Ending {
  readonly destroyed: boolean;
  once(event: 'close', act: () => void): unknown;
}

/**
 * Acts once the answer is over or its client has left: at once where that is so already, since the
 * event comes only once. What began after it (a body was decoded meanwhile) would else never end.
 */
export function whenClosed(response: Ending, act: () => void): void {
  if (response.destroyed) act();
  else response.once('close', act);
}

export class Leaving implements Departure {
  aborted = false;
  #listener: (() => void) | null = null;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = null;
  }

  abort(): void {
    this.aborted = true;
    this.#listener?.();
  }
}

/** Programs are told apart by where they are, their key and what they call themselves. */
export function callerOf({ req: { socket, headers } }: ServerResponse): string {
  return `${socket.remoteAddress} ${headers.authorization} ${headers['user-agent']}`;
}

/** For work that is done before there is an exchange. */
export function askingOf(response: ServerResponse): Asking {
  const signal = new Leaving();
  whenClosed(response, () => signal.abort());
  return { signal, caller: callerOf(response) };
}

/** Aborts when the client leaves before its answer: nothing is read on for nobody. */
export function leavingOf(response: ServerResponse): AbortSignal {
  const abort = new AbortController();
  whenClosed(response, () => abort.abort());
  return abort.signal;
}

/** Acts when the client leaves before all of its answer was handed to the system. */
export function unlessSent(response: ServerResponse, act: () => void): void {
  let isSent = false;
  response.once('finish', () => {
    isSent = true;
  });
  whenClosed(response, () => {
    if (!isSent) act();
  });
}
