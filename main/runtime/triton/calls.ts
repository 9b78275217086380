/** How Triton's own routes are asked. Pure. */
import type { Server } from '../../../shared/model.ts';

export const pathOf = (model: string, verb: string): string => `/v2/repository/models/${encodeURIComponent(model)}/${verb}`;

export function of({ at, key, keyHeader }: Server): Server {
  return { at, key, keyHeader };
}
