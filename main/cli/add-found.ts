/**
 * `modelium add --found`: lists the models that Hugging Face's cache, LM Studio and Ollama keep on
 * this machine, and registers the chosen ones without moving them.
 */

import { createInterface } from 'node:readline/promises';
import { ModeliumError } from '../../shared/errors.ts';
import { nearestNames } from '../../shared/nearest.ts';
import { type FoundModel, STORE_NAMES } from '../../shared/snapshot.ts';
import { bytesInWords } from '../../shared/units.ts';
import { harmless } from '../../shared/visible.ts';
import { type AnswerOf, connect, type EngineClient } from '../client.ts';
import { paint, print, printError, printJson, printText, table } from './output.ts';
import type { Shared } from './verb.ts';

type Found = AnswerOf<'found'>;
type Added = AnswerOf<'add'>;

/**
 * @param names of those to add; none: they are listed, and on a terminal asked for.
 * @returns 1 when one of those that were asked for could not be added.
 */
export async function addFound({ stateFolder, json }: Shared, names: readonly string[], all: boolean): Promise<number> {
  const engine = await connect(stateFolder);
  const found = await engine.get<'found'>('/control/found');
  const isList = names.length === 0 && !all;
  if (json && isList) {
    printJson(found);
    return 0;
  }
  if (!json && isList) tell(found);
  const asked = isList ? await ask(found.models) : names;
  const chosen = all || asked.includes('all') ? found.models.filter(isNew) : asked.map((name) => named(name, found.models));
  const { added, failed } = await addAll(engine, chosen);
  if (json) printJson(added);
  else for (const { message } of added) print(message);
  if (!json && !isList && chosen.length === 0) print('No model can be added.');
  return failed > 0 ? 1 : 0;
}

/**
 * One that a person names alone is loaded, as `add PATH` does; of several each waits for its first
 * request.
 */
async function addAll(
  engine: EngineClient,
  models: readonly FoundModel[],
): Promise<{ readonly added: readonly Added[]; readonly failed: number }> {
  const added: Added[] = [];
  let failed = 0;
  for (const { path, name } of models) {
    try {
      added.push(await engine.post<'add'>('/control/library', { path, load: models.length === 1 }));
    } catch (thrown) {
      if (thrown instanceof ModeliumError && thrown.code === 'not-running') throw thrown;
      failed += 1;
      printError(thrown instanceof ModeliumError ? new ModeliumError(thrown.code, `${name}: ${thrown.message}`) : thrown);
    }
  }
  return { added, failed };
}

function isNew({ registered, whole }: FoundModel): boolean {
  return registered === null && whole;
}

function tell({ models, problems, isCut }: Found): void {
  const known = models.filter(({ registered }) => registered !== null).length;
  const count = models.length === 1 ? 'One model is' : `${models.length} models are`;
  const rest = known === 0 ? '' : `, ${known === models.length ? 'all' : known} of them registered here`;
  print(models.length === 0 ? 'There are no models of other tools on this machine.' : `${count} already on this machine${rest}:`);
  if (models.length > 0) printText(table(['', 'NAME', 'STORE', 'SIZE', 'KIND', 'HERE'], models.map(row)));
  for (const problem of problems) print(problem);
  if (isCut) print('There may be more: the search takes at most 10 s and ends at 1,000 models.');
  if (models.some(isNew))
    print('`modelium add --found NAME` serves one of them without moving it, `modelium add --found --all` serves all.');
}

function row({ name, store, bytes, kind, quantization, registered, problem }: FoundModel, index: number): readonly string[] {
  const what = [kind ?? '?', quantization].filter((word) => word !== null).join(', ');
  const here = registered === null ? (problem === null ? '-' : paint('yellow', harmless(problem))) : paint('green', `as ${registered}`);
  return [String(index + 1), harmless(name), STORE_NAMES[store], bytesInWords(bytes), what, here];
}

/** On a terminal only: the numbers or names that a person types. */
async function ask(models: readonly FoundModel[]): Promise<readonly string[]> {
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true || !models.some(isNew)) return [];
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Which of them? Numbers or names, "all", or nothing: ');
    return answer.split(/[\s,]+/).filter((word) => word !== '');
  } finally {
    terminal.close();
  }
}

/**
 * By its name, the last part of it, or its number in the list. @throws ModeliumError
 * model-not-found.
 */
function named(word: string, models: readonly FoundModel[]): FoundModel {
  const same = (one: string): boolean => one.toLowerCase() === word.toLowerCase();
  const byName = models.find(({ name }) => same(name)) ?? models.find(({ name }) => same(name.split('/').at(-1) ?? name));
  const model = byName ?? (/^\d+$/.test(word) ? models[Number(word) - 1] : undefined);
  if (model !== undefined) return model;
  const near = nearestNames(
    word,
    models.map(({ name }) => name),
  );
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(', ')}?`;
  throw new ModeliumError('model-not-found', `No tool here has a model ${word}.${hint}`);
}
