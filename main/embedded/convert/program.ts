/**
 * The child process that converts one model: receives the request as a message, prints its progress
 * in lines, and exits with 0, or with 1 and a sentence. It never yields, so a signal ends it at
 * once; the sender of the signal deletes the unfinished output.
 */
import fs from 'node:fs';
import os from 'node:os';
import { BEHIND_REQUESTS, stepProgramBehind } from '../../core/step-behind.ts';
import { type ConvertRequest, convert } from './convert.ts';
import { ConvertError, NoRoomError } from './convert-error.ts';
import type { Written } from './write.ts';

// The engine starts it in a session of its own.
stepProgramBehind(os, fs, BEHIND_REQUESTS);
const parent = process.ppid;
/** Nobody is there any more who would ask. */
const leave = (): void => process.exit(1);
process.on('disconnect', leave);
process.once('message', (request: ConvertRequest) => {
  process.exitCode = run(request);
  process.off('disconnect', leave);
  process.disconnect();
});

function run(request: ConvertRequest): number {
  let reported = -1;
  try {
    convert(request, ({ bytes, totalBytes }: Written) => {
      // An engine that was killed cannot end its children: a conversion that nobody waits for
      // leaves nothing (I2).
      if (process.ppid !== parent) {
        fs.rmSync(request.output, { force: true });
        process.exit(1);
      }
      const percent = Math.floor((100 * bytes) / totalBytes);
      if (percent === reported) return;
      reported = percent;
      say(`converting ${percent} %`);
    });
    return 0;
  } catch (thrown) {
    const sentence = thrown instanceof Error ? thrown.message : String(thrown);
    if (isFull(thrown)) say(`no room: ${thrown instanceof NoRoomError ? sentence : fullSentence(request.output)}`);
    else if (thrown instanceof ConvertError) say(`cannot convert: ${sentence}`);
    else say(`the conversion failed: ${sentence}`);
    return 1;
  }
}

function say(words: string): void {
  process.stdout.write(`modelium: ${words.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')}\n`);
}

function isFull(thrown: unknown): boolean {
  if (thrown instanceof NoRoomError) return true;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function fullSentence(output: string): string {
  return `The disk of ${output} is full. Make room there, or set cache.folder to another disk.`;
}
