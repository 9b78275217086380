/** What went wrong, shown natively: the page may not be there to do it. */
import { dialog } from 'electron';
import { ERRORS, ModeliumError, toModeliumError } from '../../shared/errors.ts';

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
  if (error.code === 'internal') process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  else process.stderr.write(`modelium: ${error.message}\n`);
  const { response } = await dialog.showMessageBox({
    ...{ type: 'error', title: 'Modelium', message: 'Modelium cannot start', detail: `${error.message}\n\n${ERRORS[error.code].hint}` },
    ...{ buttons: ['Try again', 'Quit'], defaultId: 0, cancelId: 1, noLink: true },
  });
  return response === 0;
}

/** @returns whether to end although requests run. */
export async function askBeforeCutting(inFlight: number): Promise<boolean> {
  const what = inFlight === 1 ? '1 request is running' : `${inFlight} requests are running`;
  const { response } = await dialog.showMessageBox({
    ...{ type: 'question', title: 'Quit Modelium?', message: `${what}.` },
    detail: 'Quitting ends the engine: requests get a short time to finish, then they are cut, and every model is unloaded.',
    ...{ buttons: ['Quit', 'Cancel'], defaultId: 1, cancelId: 1, noLink: true },
  });
  return response === 0;
}
