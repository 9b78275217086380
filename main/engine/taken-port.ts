/**
 * Finds out which program holds the API's port, if possible. Most often it is another user's
 * Modelium.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { versionAt } from '../client.ts';

/**
 * @throws ModeliumError port-taken, with the holder's name where it is a Modelium; what else was
 * thrown as it is.
 */
export async function explainTakenPort<Opened>(
  opening: Promise<Opened>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Opened> {
  try {
    return await opening;
  } catch (thrown) {
    if (!(thrown instanceof ModeliumError) || thrown.code !== 'port-taken') throw thrown;
    const version = await versionAt(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    if (version === null) throw thrown;
    const holder = `It is another Modelium (version ${version}) with a different state folder: another user's, or a demo.`;
    throw new ModeliumError('port-taken', `${thrown.message} ${holder}`, { cause: thrown });
  }
}
