/** `modelium add`: registers a model where it lies. */
import { resolve } from 'node:path';
import { connect } from '../client.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function add({ stateFolder, json }: Shared, path: string): Promise<number> {
  const engine = await connect(stateFolder);
  const added = await engine.post<'add'>('/control/library', { path: resolve(path) });
  if (json) printJson(added);
  else print(added.message);
  return 0;
}
