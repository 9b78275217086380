/** `modelium pin`: a pinned model stays loaded until a person unloads it. */
import { connect } from '../client.ts';
import { routeOf } from './model-name.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function pin({ stateFolder, json }: Shared, name: string, pinned: boolean): Promise<number> {
  const engine = await connect(stateFolder);
  const { model } = await engine.post<'pin'>(`${await routeOf(engine, name)}/pin`, { pinned });
  if (json) printJson(model);
  else
    print(pinned ? `${model.id} is pinned: only a person unloads it.` : `${model.id} is no longer pinned: it may be unloaded when idle.`);
  return 0;
}
