/** Cuts a child's output into lines of bounded length. Pure; knows nothing of processes. */

/** Longest line kept, in characters; the rest of a longer one is dropped (I10). */
export const LONGEST_LINE = 8_192;

export interface LineCutter {
  push(text: string): void;
  /** The output ended: what is left is a line too. */
  end(): void;
}

/**
 * Calls back for each line that is not empty. A lone carriage return ends a line too: progress bars
 * write nothing else.
 */
export function createLineCutter(onLine: (line: string) => void): LineCutter {
  let rest = '';
  function emit(line: string): void {
    if (line !== '') onLine(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line);
  }
  return {
    push(text) {
      const parts = text.split(/[\r\n]/);
      const last = parts.pop() ?? '';
      for (const part of parts) {
        emit(rest + part);
        rest = '';
      }
      // One character more than a line may have shows that it was longer; keeping all of it would
      // let a child fill our memory.
      rest = (rest + last).slice(0, LONGEST_LINE + 1);
    },
    end() {
      emit(rest);
      rest = '';
    },
  };
}
