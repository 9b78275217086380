/** `modelium unload`: answers when the memory is seen free. */
import { connect } from '../client.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function unload({ stateFolder, json }: Shared, name: string, force: boolean): Promise<number> {
  const engine = await connect(stateFolder);
  const { model } = await engine.post<'unload'>(`/control/models/${encodeURIComponent(name)}/unload`, { force });
  if (json) printJson(model);
  else print(`${model.id}: ${model.state}. ${model.message}`);
  return model.state === 'failed' ? 1 : 0;
}
