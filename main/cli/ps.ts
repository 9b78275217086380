/**
 * `modelium ps`: lists the loaded models, their memory and speed, and when they will be unloaded.
 */
import { LOADED_STATES } from '../../shared/model.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { clockSpan, speedInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { placeName } from './devices.ts';
import { memoryInWords, paintedState } from './ls.ts';
import { print, printJson, printText, table } from './output.ts';
import type { Shared } from './verb.ts';

export async function ps({ stateFolder, json, wide }: Shared): Promise<number> {
  const engine = await connect(stateFolder);
  const { models, devices } = await engine.get<'snapshot'>('/control/snapshot');
  const loaded = models.filter(({ state }) => LOADED_STATES.has(state));
  if (json) {
    printJson(loaded);
    return 0;
  }
  if (loaded.length === 0) {
    print(
      models.length === 0
        ? 'Nothing is loaded: there are no models yet.'
        : 'Nothing is loaded. A request loads a model, or: modelium load MODEL',
    );
    return 0;
  }
  const rows = loaded.map((model) => [
    model.id + (model.pinned ? ' (pinned)' : ''),
    paintedState(model),
    model.runtime ?? '-',
    model.remote === undefined ? placeName(model.devices, devices) : 'remote',
    memoryInWords(model),
    paceOf(model),
    requestsOf(model),
    leftOf(model),
  ]);
  printText(table(['MODEL', 'STATE', 'RUNTIME', 'ON', 'MEMORY', 'TOKENS/S', 'REQUESTS', 'UNLOADS IN'], rows, wide));
  return 0;
}

/** Of one answer, lately. */
function paceOf({ pace }: ModelView): string {
  return pace?.tokensPerSecond == null ? '-' : speedInWords(pace.tokensPerSecond);
}

function requestsOf({ inFlight, waiting }: ModelView): string {
  return inFlight + waiting === 0 ? '-' : `${inFlight}${waiting > 0 ? ` (+${waiting} waiting)` : ''}`;
}

function leftOf({ state, pinned, inFlight, idleLeftMs, remote }: ModelView): string {
  if (state === 'draining') return 'now';
  if (state === 'loading') return '-';
  if (inFlight > 0) return 'in use';
  if (pinned || remote !== undefined || idleLeftMs === null) return 'never';
  return clockSpan(idleLeftMs);
}
