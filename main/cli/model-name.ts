/**
 * Resolves a model name from the command line. The engine knows every spelling of a name; this file
 * also accepts the beginning of a name, if it fits only one model.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import type { EngineClient } from '../client.ts';

/**
 * @returns what to ask the engine for: the id, or the word itself where it is nobody's beginning.
 * @throws ModeliumError model-required: it is that of several.
 */
export async function nameOf(engine: EngineClient, word: string): Promise<string> {
  return meantBy(word, (await engine.get<'snapshot'>('/control/snapshot')).models);
}

export function meantBy(word: string, models: readonly Pick<ModelView, 'id' | 'aliases'>[]): string {
  if (models.some(({ id, aliases }) => id === word || aliases.includes(word))) return word;
  const folded = word.toLowerCase();
  const whole = models.filter(({ id }) => id.toLowerCase() === folded);
  const begun = whole.length > 0 || folded === '' ? whole : models.filter(({ id }) => id.toLowerCase().startsWith(folded));
  const [only, ...others] = begun;
  if (only !== undefined && others.length === 0) return only.id;
  if (only === undefined) return word;
  const names = begun.slice(0, 5).map(({ id }) => id);
  throw new ModeliumError(
    'model-required',
    `${word} is the beginning of several: ${names.join(', ')}${begun.length > 5 ? ' ...' : ''}. Which of them?`,
    {
      param: 'model',
    },
  );
}

/** The route of a model. */
export async function routeOf(engine: EngineClient, word: string): Promise<string> {
  return `/control/models/${encodeURIComponent(await nameOf(engine, word))}`;
}
