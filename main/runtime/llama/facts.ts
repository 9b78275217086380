/** The inputs of the llama adapter: the settings, its programs, the GPUs. Types only. */
import type { Settings } from '../../../shared/settings.ts';
import type { NodeProgram } from '../module.ts';

/** What is known of the GPUs and of llama.cpp's part for them. */
export interface LlamaGpu {
  readonly usable: boolean;
  readonly why: string;
  /**
   * LD_LIBRARY_PATH under which llama.cpp's CUDA part finds its libraries; null: it finds them by
   * itself.
   */
  readonly libraryPath: string | null;
  /** The driver shows GPUs: the reason is worth telling. */
  readonly isPresent: boolean;
}

export interface LlamaFacts {
  readonly settings: Settings['llama'];
  readonly node: NodeProgram;
  /** Path of the embedded server's program. */
  readonly serverProgram: string;
  /** Path of the program that makes a GGUF of a folder. */
  readonly convertProgram: string;
  readonly gpu: LlamaGpu;
  readonly cpuCores: number;
  /**
   * The processor has Intel's matrix units, for which llama.cpp keeps a second copy of the weights.
   */
  readonly hasAmx: boolean;
}
