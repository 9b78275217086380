/**
 * A program of one line: says which GPU support llama.cpp finds on this machine, and ends. Run once
 * at the start of an engine that sees GPUs.
 */
import { findGpu } from './llama/llama.ts';

process.stdout.write(`${JSON.stringify(await findGpu())}\n`, () => process.exit(0));
