/** What is known of the runtimes that people install themselves: found at the start, when asked, and at every look while we run, as models are. */
import type { Clock } from '../core/ports.ts';
import type { VllmFound } from '../runtime/vllm/architectures.ts';
import { VllmFinder, type VllmPlaces } from '../runtime/vllm/install.ts';

export interface RuntimeFinderPorts {
  readonly clock: Clock;
  places(): VllmPlaces;
  everyMs(): number;
  /** Another one is there, or none any more: found at a look of its own. */
  onOther(): void;
}

export class RuntimeFinder {
  readonly #ports: RuntimeFinderPorts;
  readonly #finder = new VllmFinder();
  #vllm: VllmFound = { found: false, message: 'vLLM was not looked for yet.' };
  #cancelLook: (() => void) | null = null;
  #closed = false;

  constructor(ports: RuntimeFinderPorts) {
    this.#ports = ports;
  }

  get vllm(): VllmFound {
    return this.#vllm;
  }

  /** @returns whether something is other than before. */
  async find(): Promise<boolean> {
    const before = this.#vllm;
    this.#vllm = await this.#finder.find(this.#ports.places());
    return this.#vllm !== before;
  }

  /** Looks again and again from here on. */
  start(): void {
    this.#cancelLook = this.#ports.clock.after(this.#ports.everyMs(), () => void this.#look());
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
  }

  async #look(): Promise<void> {
    const isOther = await this.find().catch(() => false);
    if (this.#closed) return;
    if (isOther) this.#ports.onOther();
    this.start();
  }
}
