/**
 * Reads from llama.cpp's log how much memory it allocated on each device, so that predictions can
 * be compared with the runtime's own figures and not only with those of the operating system. Pure.
 */
import type { BufferBytes } from '../../../shared/decision.ts';
import { MIB } from '../../../shared/units.ts';

export interface MemoryReport extends BufferBytes {
  readonly type: 'memory';
  /** By llama.cpp's device: `cpu`, `CUDA0`, `Vulkan0` ... */
  readonly devices: Readonly<Record<string, BufferBytes>>;
}

const BUFFER_LINE = /(\S+) +(model|KV|RS|output|compute) buffer size = +([\d.]+) MiB/;
const FIELDS = { model: 'modelBytes', KV: 'kvBytes', RS: 'kvBytes', output: 'computeBytes', compute: 'computeBytes' } as const;
const NOTHING: BufferBytes = { modelBytes: 0, kvBytes: 0, computeBytes: 0 };

/**
 * `CPU`, `CPU_Mapped`, `CPU_REPACK` and pinned memory such as `CUDA_Host` all lie in main memory.
 */
function deviceOf(buffer: string): string {
  return buffer.startsWith('CPU') || buffer.endsWith('_Host') ? 'cpu' : buffer;
}

/** Adds up the buffer lines of one load. Exact to the 0.01 MiB that llama.cpp prints. */
export function memoryReport(lines: readonly string[]): MemoryReport {
  const devices: Record<string, BufferBytes> = {};
  let total = NOTHING;
  for (const line of lines) {
    const match = BUFFER_LINE.exec(line);
    if (match === null) continue;
    const device = deviceOf(match[1] ?? '');
    const field = FIELDS[match[2] as keyof typeof FIELDS];
    const bytes = Math.round(Number(match[3]) * MIB);
    const before = devices[device] ?? NOTHING;
    devices[device] = { ...before, [field]: before[field] + bytes };
    total = { ...total, [field]: total[field] + bytes };
  }
  return { type: 'memory', ...total, devices };
}
