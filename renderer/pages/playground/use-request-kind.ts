/**
 * Which kind of request a model takes, as far as it is known. A tensor model is described by its
 * files, or by its server once it is loaded: it may turn out to take text.
 */
import type { ModelView } from '../../../shared/snapshot.ts';
import { isTextModel, type ServedTensor } from '../../../shared/tensors.ts';
import { useAsked } from '../../use-asked.ts';
import { type RequestKind, requestKindOf } from './request.ts';

export type KnownRequestKind =
  | { readonly requestKind: Exclude<RequestKind, 'tensors'> }
  | {
      readonly requestKind: 'tensors';
      /** Null: not known yet. */
      readonly inputs: readonly ServedTensor[] | null;
      readonly trouble: string | null;
    };

export function useRequestKind(model: ModelView | null): KnownRequestKind | null {
  const requestKind = model === null ? null : requestKindOf(model);
  const path = model !== null && requestKind === 'tensors' ? `/v2/models/${encodeURIComponent(model.id)}` : null;
  const { answer, trouble } = useAsked<'tensorsOfModel'>(path, [model?.state]);
  if (requestKind === null) return null;
  if (requestKind !== 'tensors') return { requestKind };
  return answer !== null && isTextModel(answer) ? { requestKind: 'text' } : { requestKind, inputs: answer?.inputs ?? null, trouble };
}
