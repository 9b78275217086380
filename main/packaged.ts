/**
 * The differences of the packaged app: Electron's binary serves as our Node, and files that another
 * process reads are next to the archive, not in it.
 */

/** How to start a Node of our own for a child program. */
export interface NodeProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The binary that runs us; Electron's is a Node when it is told so. It takes its compiled code from
 * where ours is kept (io/compiled-code.ts).
 */
export function nodeProgram(): NodeProgram {
  const compiled = process.env['NODE_COMPILE_CACHE'];
  const env = {
    ...('electron' in process.versions ? { ELECTRON_RUN_AS_NODE: '1' } : {}),
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  };
  return { command: process.execPath, args: [], env };
}

/**
 * The real file of a path inside the app's archive: what electron-builder.yml unpacks. Other paths
 * stay as they are.
 */
export function outsideArchive(path: string): string {
  return path.replace(/([/\\]app\.asar)(?=[/\\])/, '$1.unpacked');
}
