/**
 * How the engine and its clients prove to each other that they know the control token, without
 * sending it: what is signed, and how a proof is written into a header. The callers do the hashing
 * (node:crypto, the browser's crypto.subtle). Pure; knows neither Node nor the DOM.
 *
 * All signatures are HMAC-SHA256 in hexadecimal. The token signs only the name of one run of the
 * engine. The result is the session key, which signs everything else and is worthless after that
 * run. Each message begins with its purpose, so that no proof can be used as another one. The
 * engine's proof names the address that the client asked and the address on which the engine
 * listens, so that a client detects a program between them.
 */

/** The answer to a signed request carries the engine's own proof in this header. */
export const ANSWER_PROOF_HEADER = 'x-modelium-proof';
/** A proof that is older or newer than this many milliseconds is refused. */
export const PROOF_LIFE_MS = 60_000;

const SCHEME = 'Modelium ';
const PROOF = /^Modelium (\d{1,15})\.([0-9a-f]{16,64})\.([0-9a-f]{64})\.([0-9a-f]{64})$/;

/**
 * What a client asks at /control/prove, and where. `address`: host and port, as in the Host header.
 */
export interface Challenge {
  readonly nonce: string;
  readonly address: string;
}

/**
 * One run of the engine, from its start to its end, its clock, and where it listens: host and port,
 * the asked ones where those are its own.
 */
export interface Run {
  readonly run: string;
  readonly timeMs: number;
  readonly listens: string;
}

export interface SignedRequest {
  readonly method: string;
  readonly address: string;
  /** With its query. */
  readonly path: string;
  /** By the engine's clock. */
  readonly timeMs: number;
  /** 16 to 64 hexadecimal digits, used once. */
  readonly nonce: string;
  /** SHA-256 of the body in hexadecimal; that of no bytes where there is none. */
  readonly bodyHash: string;
}

/** Signed with the token: the key of everything below. */
export function sessionMessage(run: string): string {
  return JSON.stringify(['modelium session', run]);
}

export function engineMessage({ nonce, address }: Challenge, { run, timeMs, listens }: Run): string {
  return JSON.stringify(['modelium engine', address, nonce, run, timeMs, listens]);
}

export function requestMessage({ method, address, path, timeMs, nonce, bodyHash }: SignedRequest): string {
  return JSON.stringify(['modelium request', method, address, path, timeMs, nonce, bodyHash]);
}

/** @param proof of the request that is answered. */
export function answerMessage(proof: string): string {
  return JSON.stringify(['modelium answer', proof]);
}

/** The value of the header Authorization. */
export function proofHeader({ timeMs, nonce, bodyHash }: SignedRequest, proof: string): string {
  return `${SCHEME}${timeMs}.${nonce}.${bodyHash}.${proof}`;
}

export type ShownProof = Pick<SignedRequest, 'timeMs' | 'nonce' | 'bodyHash'> & { readonly proof: string };

/** Null for a header that holds no proof. */
export function readProofHeader(authorization: string | undefined): ShownProof | null {
  const [, time, nonce, bodyHash, proof] = PROOF.exec(authorization ?? '') ?? [];
  if (time === undefined || nonce === undefined || bodyHash === undefined || proof === undefined) return null;
  return { timeMs: Number(time), nonce, bodyHash, proof };
}
