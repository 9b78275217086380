/** Writes lines to a stream: all those of one turn in one call of the system. */
import type { Writable } from 'node:stream';

/**
 * A call for each line would wake its reader each time, and hundreds come at once when a folder
 * with hundreds of models is found. What is left when the process exits is written then.
 */
export function lineWriter(stream: Writable): (line: string) => void {
  let isHeld = false;
  const write = (): void => {
    if (isHeld) stream.uncork();
    isHeld = false;
  };
  process.on('exit', write);
  return (line) => {
    if (!isHeld) {
      isHeld = true;
      stream.cork();
      process.nextTick(write);
    }
    stream.write(`${line.trimEnd()}\n`);
  };
}
