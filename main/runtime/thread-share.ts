/**
 * Divides the processor cores among the llama.cpp children that are generating, because their
 * threads spin: two children with a thread for each core are a hundred times slower than one
 * (measured). It divides again whenever a generation starts or ends.
 */
import type { ModelHost } from './model-host.ts';

type Child = Pick<ModelHost, 'send'>;

/** Threads for each of the models generating now. One core stays for the engine. */
export function threadsEach(cores: number, generating: number): number {
  return Math.max(1, Math.floor((cores - 1) / Math.max(1, generating)));
}

export class ThreadShare {
  readonly #cores: number;
  readonly #generating = new Set<Child>();

  constructor(cores: number) {
    this.#cores = cores;
  }

  /** A child says how many generations it runs: `{type: "generating", active}`. */
  receive(host: Child, message: unknown): void {
    const active = activeGenerations(message);
    if (active === null) return;
    const generated = this.#generating.has(host);
    if (active > 0 === generated) return;
    if (active > 0) this.#generating.add(host);
    else this.#generating.delete(host);
    this.#divide();
  }

  leave(host: Child): void {
    if (this.#generating.delete(host)) this.#divide();
  }

  #divide(): void {
    const threads = threadsEach(this.#cores, this.#generating.size);
    for (const host of this.#generating) host.send({ type: 'threads', threads });
  }
}

function activeGenerations(message: unknown): number | null {
  if (typeof message !== 'object' || message === null) return null;
  const { type, active } = message as { type?: unknown; active?: unknown };
  return type === 'generating' && typeof active === 'number' ? active : null;
}
