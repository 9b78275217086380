/** What the processor of this machine has. */
import { readFileSync } from 'node:fs';
import { hasAmx } from '../../main/runtime/llama/repacked.ts';

export const HAS_AMX = process.platform === 'linux' && hasAmx(readFileSync('/proc/cpuinfo', 'utf8'));
