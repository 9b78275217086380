/** `modelium forget`: takes a registered model off the list. Its files stay. */
import { connect } from '../client.ts';
import { nameOf } from './model-name.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function forget({ stateFolder, json }: Shared, word: string): Promise<number> {
  const engine = await connect(stateFolder);
  const forgotten = await engine.remove<'forget'>(`/control/library/${encodeURIComponent(await nameOf(engine, word))}`);
  if (json) printJson(forgotten);
  else print(`${forgotten.id} is forgotten. Its files stay where they are.`);
  return 0;
}
