/**
 * The control token: checks requests that send it or prove knowledge of it, and makes the engine's
 * own proof. shared/proofs.ts says what is signed and why.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ModeliumError } from '../../shared/errors.ts';
import {
  answerMessage,
  engineMessage,
  PROOF_LIFE_MS,
  type Run,
  readProofHeader,
  requestMessage,
  type ShownProof,
  sessionMessage,
} from '../../shared/proofs.ts';
import { SLICE_BYTES, type Sliced } from './in-slices.ts';

const BEARER = 'Bearer ';
/**
 * Far more than a window sends within a proof's life; with more of them, older ones are refused
 * rather than forgotten (I10).
 */
const MOST_NONCES = 20_000;

export interface GatekeeperPorts {
  readonly token: string;
  /** Tells this run of the engine from every other one. */
  readonly run: string;
  /** Milliseconds since 1970. */
  wallTime(): number;
  /** The asked host and port where they are the engine's own; else those where it listens. */
  listens(asked: string): string;
}

/** What the guard needs of a request. */
export interface AskedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { readonly host?: string | undefined; readonly authorization?: string | undefined };
}

/** A request that was let in. Both are null for one that showed the token itself. */
export interface Admitted {
  /** For the header of the answer. */
  readonly answerProof: string | null;
  readonly bodyHash: string | null;
}

export type EngineProof = Run & { readonly hmac: string };

export class Gatekeeper {
  readonly #ports: GatekeeperPorts;
  readonly #sessionKey: string;
  /** Nonces of the proofs that were accepted, oldest first, with the time of each. */
  readonly #used = new Map<string, number>();
  /** Proofs from before are refused: their nonces are not known any more. */
  #floorMs = 0;

  constructor(ports: GatekeeperPorts) {
    this.#ports = ports;
    this.#sessionKey = hmac(ports.token, sessionMessage(ports.run));
  }

  /**
   * @param address the Host header of the question: who passes it on from elsewhere shows by it.
   */
  prove(nonce: string, address = ''): EngineProof {
    const run: Run = { run: this.#ports.run, timeMs: this.#ports.wallTime(), listens: this.#ports.listens(address) };
    return { ...run, hmac: hmac(this.#sessionKey, engineMessage({ nonce, address }, run)) };
  }

  /**
   * Compares in constant time, so that the time of the answer tells nothing of the token.
   * @throws ModeliumError token-required, proof-refused.
   */
  admit({ method = 'GET', url = '/', headers }: AskedRequest): Admitted {
    const { authorization } = headers;
    const shown = readProofHeader(authorization);
    if (shown === null) {
      requireToken(authorization, this.#ports.token);
      return { answerProof: null, bodyHash: null };
    }
    const expected = hmac(this.#sessionKey, requestMessage({ ...shown, method, address: headers.host ?? '', path: url }));
    if (!isSame(expected, shown.proof))
      throw refused('The proof does not match the control token of this engine, or belongs to another run of the engine.');
    this.#requireFresh(shown);
    return { answerProof: hmac(this.#sessionKey, answerMessage(shown.proof)), bodyHash: shown.bodyHash };
  }

  /** Each proof counts once, and only for a while. */
  #requireFresh({ nonce, timeMs }: ShownProof): void {
    const nowMs = this.#ports.wallTime();
    const isOld = timeMs <= this.#floorMs || Math.abs(nowMs - timeMs) > PROOF_LIFE_MS;
    if (isOld || this.#used.has(nonce)) throw refused('The proof was already used, or is too old.');
    this.#used.set(nonce, timeMs);
    for (const [oldest, usedMs] of this.#used) {
      if (this.#used.size <= MOST_NONCES && nowMs - usedMs <= 2 * PROOF_LIFE_MS) break;
      if (this.#used.size > MOST_NONCES) this.#floorMs = Math.max(this.#floorMs, usedMs);
      this.#used.delete(oldest);
    }
  }
}

/** @throws ModeliumError proof-refused: the body is another one than the proof is for. */
export function* requireBody(body: Buffer, admitted: Admitted | undefined): Sliced<void> {
  const bodyHash = admitted?.bodyHash ?? null;
  if (bodyHash === null) return;
  const hash = createHash('sha256');
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    if (at > 0) yield;
    hash.update(body.subarray(at, at + SLICE_BYTES));
  }
  if (hash.digest('hex') !== bodyHash) throw new ModeliumError('proof-refused', 'The proof was made for another body.');
}

/**
 * @param authorization the request's header.
 * @throws ModeliumError token-required.
 */
export function requireToken(authorization: string | undefined, token: string): void {
  const shown = authorization?.startsWith(BEARER) === true ? authorization.slice(BEARER.length) : '';
  if (isSame(shown, token) && token !== '') return;
  throw new ModeliumError(
    'token-required',
    authorization === undefined ? 'This route needs the control token.' : 'That is not the control token of this engine.',
  );
}

/** HMAC-SHA256 in hexadecimal. */
export function hmac(key: string, message: string): string {
  return createHmac('sha256', key).update(message).digest('hex');
}

/** Compared in constant time. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refused(message: string): ModeliumError {
  return new ModeliumError('proof-refused', message);
}
