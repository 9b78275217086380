/** Shows errors in native dialogs, because the page may not be available. */
import { dialog } from 'electron';
import { ERRORS, ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { harmless } from '../../shared/visible.ts';

/** Errors of a hosted engine come from another bundle, with a ModeliumError class of its own. */
export function errorOf(thrown: unknown): ModeliumError {
  if (!(thrown instanceof Error) || thrown.name !== 'ModeliumError') return toModeliumError(thrown);
  const { code } = thrown as Partial<ModeliumError>;
  return code !== undefined && Object.hasOwn(ERRORS, code)
    ? new ModeliumError(code, thrown.message, { cause: thrown })
    : toModeliumError(thrown);
}

/** @returns whether to try again; else Modelium is to end. */
export async function askAfterFailure(thrown: unknown): Promise<boolean> {
  const error = errorOf(thrown);
  const words = error.code === 'internal' && thrown instanceof Error ? (thrown.stack ?? thrown.message) : `modelium: ${error.message}`;
  process.stderr.write(`${harmless(words)}\n`);
  const { response } = await dialog.showMessageBox({
    type: 'error',
    title: 'Modelium',
    message: 'Modelium cannot start',
    detail: `${error.message}\n\n${ERRORS[error.code].hint}`,
    buttons: ['Try again', 'Quit'],
    defaultId: 0,
    cancelId: 1,
    noLink: true,
  });
  return response === 0;
}

/** @returns whether to end although requests run, or edits of the settings are not saved. */
export async function askBeforeLosing(inFlight: number, unsavedCount: number): Promise<boolean> {
  const running = inFlight === 1 ? '1 request is running.' : `${inFlight} requests are running.`;
  const unsaved = unsavedCount === 1 ? '1 change of the settings is not saved.' : `${unsavedCount} changes of the settings are not saved.`;
  const cut = 'Quitting ends the engine: running requests get a short time to finish and are then cut, and every model is unloaded.';
  const lost = 'Quitting loses unsaved changes.';
  const { response } = await dialog.showMessageBox({
    type: 'question',
    title: 'Quit Modelium?',
    message: [...(inFlight > 0 ? [running] : []), ...(unsavedCount > 0 ? [unsaved] : [])].join(' '),
    detail: [...(inFlight > 0 ? [cut] : []), ...(unsavedCount > 0 ? [lost] : [])].join('\n\n'),
    buttons: ['Quit', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  });
  return response === 0;
}
