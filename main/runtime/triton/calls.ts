/** Builds the HTTP calls to Triton's own routes. Pure. */
import type { Server } from '../../../shared/model.ts';

export const pathOf = (model: string, verb: string): string => `/v2/repository/models/${encodeURIComponent(model)}/${verb}`;

export function of({ at, key, keyHeader }: Server): Server {
  return { at, key, keyHeader };
}
