/** `modelium logs`: a runtime's own words, or the engine's. */
import { connect } from '../client.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function logs({ stateFolder, json }: Shared, name: string | null, follow: boolean): Promise<number> {
  const engine = await connect(stateFolder);
  const query = new URLSearchParams(name === null ? {} : { model: name });
  if (!follow) {
    const { lines } = await engine.get<'logs'>(`/control/logs?${query}`);
    if (json) printJson(lines);
    else for (const line of lines) print(line);
    return 0;
  }
  query.set('follow', 'true');
  // With --json a line of JSON for each line, so that a reader need not wait for an end that does not come.
  await engine.follow(`/control/logs?${query}`, (data) => {
    const { line } = data as { readonly line?: string };
    if (line !== undefined) print(json ? JSON.stringify({ line }) : line);
    return true;
  });
  return 0;
}
