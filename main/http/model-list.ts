/**
 * Lists models in the format of OpenAI's API, with extra fields that clients of other servers
 * expect. Pure.
 */
import type { Answer, API } from '../../shared/api.ts';
import type { ListedModel } from '../core/gateway.ts';

export function asOpenAi({ id, aliases, kind, remote, contextTokens, createdSeconds }: ListedModel): Answer<typeof API.retrieveModel> {
  const own = { id, object: 'model', created: createdSeconds, owned_by: 'modelium', context_length: contextTokens, kind } as const;
  return { ...own, aliases: [...aliases], ...(remote === undefined ? {} : { remote }) };
}

export function listOf(models: readonly ListedModel[]): Answer<typeof API.listModels> {
  return { object: 'list', data: models.map(asOpenAi) };
}
