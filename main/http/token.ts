/** The control token: who shows it may change things; who is asked for proof shows that it knows it without telling it. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ModeliumError } from '../../shared/errors.ts';

const BEARER = 'Bearer ';

/**
 * @param authorization the request's header.
 * @throws ModeliumError token-required. Compared in constant time, so that the answer's time tells nothing of the token.
 */
export function requireToken(authorization: string | undefined, token: string): void {
  const shown = authorization?.startsWith(BEARER) === true ? authorization.slice(BEARER.length) : '';
  if (timingSafeEqual(digest(shown), digest(token)) && token !== '') return;
  throw new ModeliumError(
    'token-required',
    authorization === undefined ? 'This route needs the control token.' : 'That is not the control token of this engine.',
  );
}

/** HMAC-SHA256(token, nonce) in hexadecimal. */
export function prove(token: string, nonce: string): string {
  return createHmac('sha256', token).update(nonce).digest('hex');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
