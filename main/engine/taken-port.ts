/**
 * Names who holds the API's port, where that can be known: a second user's Modelium is the
 * likeliest, and the least expected.
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
    const holder = `It is another Modelium (version ${version}), with a state folder of its own: another user's, or a demo.`;
    throw new ModeliumError('port-taken', `${thrown.message} ${holder}`, { cause: thrown });
  }
}
