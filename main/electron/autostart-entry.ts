/** The file by which a Linux desktop starts a program at login. Pure. */

/** What the login starts. */
export interface Start {
  readonly program: string;
  readonly args: readonly string[];
}

/** An entry of the desktop, by freedesktop.org's specification. */
export function autostartEntry({ program, args }: Start): string {
  const exec = [program, ...args].map(quoted).join(' ');
  return `[Desktop Entry]\nType=Application\nName=Modelium\nComment=Serves models by drag and drop\nExec=${exec}\nTerminal=false\n`;
}

/**
 * In double quotes, with what means something there behind a backslash; the file itself takes a
 * backslash for the beginning of an escape once more, and a `%` for a field.
 */
function quoted(word: string): string {
  const escaped = word
    .replaceAll(/["`$\\]/g, '\\$&')
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%');
  return `"${escaped.replaceAll('\n', '\\n')}"`;
}
