/**
 * A small program: prints which GPU support llama.cpp finds on this machine, and exits. An engine
 * that sees GPUs runs it once at its start.
 */
import { findGpu } from './llama/llama.ts';

process.stdout.write(`${JSON.stringify(await findGpu())}\n`, () => process.exit(0));
