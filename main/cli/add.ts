/**
 * `modelium add`: registers a model at its present path. A path that does not exist or is not a
 * model gets an error and is not registered.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import { connect } from '../client.ts';
import { inLines, print, printJson, printText } from './output.ts';
import type { Shared } from './verb.ts';

export async function add({ stateFolder, json }: Shared, given: string): Promise<number> {
  const path = resolve(given);
  if (!existsSync(path)) throw notThere(given);
  const engine = await connect(stateFolder);
  const { decision } = await engine.post<'plan'>('/control/plan', { target: path });
  if (decision?.kind === 'refuse' && decision.refusal === 'not-servable')
    throw new ModeliumError('path-invalid', `${given} was not added. ${decision.reason}`);
  const added = await engine.post<'add'>('/control/library', { path });
  if (json) {
    printJson(added);
    return 0;
  }
  print(added.message);
  if (decision?.kind === 'refuse') printText(inLines([`It cannot be served yet: ${decision.reason}`, decision.help]));
  else if (decision !== null) print(`Ask the model: modelium run ${added.id} "Hello"`);
  return 0;
}

export function notThere(path: string): ModeliumError {
  return new ModeliumError('path-invalid', `There is no file or folder ${path}.`);
}
