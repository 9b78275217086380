/**
 * How this page and the engine prove to each other that they know the control token. The token is
 * held in this page's memory alone: what the browser keeps over a reload is the session key, which
 * is worth nothing once that run of the engine has ended, because whoever takes the port then can
 * read what the browser keeps for it. What is signed and why is in shared/proofs.ts.
 */
import { ModeliumError } from '../shared/errors.ts';
import {
  ANSWER_PROOF_HEADER,
  answerMessage,
  engineMessage,
  proofHeader,
  type Run,
  requestMessage,
  type SignedRequest,
  sessionMessage,
} from '../shared/proofs.ts';
import * as texts from './texts.ts';

const KEPT = 'modelium-session';
const FRAGMENT = '#token=';
const STRANGER = texts.link.stranger;
const UNKNOWN = texts.token.unknown;
const STARTED_ANEW = texts.token.engineRestarted;
const NO_TOKEN = texts.token.missing;
const NOT_SECURE = texts.token.needsSecureAddress;

type Proof = Run & { readonly hmac: string };

interface Session {
  readonly run: string;
  readonly key: string;
}

/** A session that the engine has just proven, with its clock less ours. */
export type ProvenSession = Session & { readonly aheadMs: number };

let token: string | null = null;
/** It was the engine's once: who cannot prove it now is somebody else. */
let isTokenRight = false;
/** Once: then this page came from the engine. */
let wasProven = false;
/** Since the last break. */
let isProven = false;
let proving: Promise<ProvenSession> | null = null;

/**
 * Takes the token out of the address, so that neither the history nor a copied address carries it.
 * @returns whether there was one.
 */
export function takeToken(): boolean {
  if (!location.hash.startsWith(FRAGMENT)) return false;
  keepToken(location.hash.slice(FRAGMENT.length));
  history.replaceState(null, '', `${location.pathname}#/box`);
  return true;
}

/** @param given the token, or an address with it, as `modelium open` prints it. */
export function keepToken(given: string): void {
  token = given.split(FRAGMENT).at(-1)?.trim() ?? '';
  isTokenRight = false;
  distrust();
}

/**
 * For who must keep it out of what leaves this window; null where the page was reloaded and only
 * holds the session.
 */
export function controlToken(): string | null {
  return token;
}

/**
 * Would a reload perhaps load the page of somebody else, in place of one that came from the engine?
 * Also where this page holds no token: the other one would ask for it.
 */
export function isAlone(): boolean {
  // Not by whether a proof is under way: who never answers would be believed meanwhile.
  return wasProven && !isProven;
}

/** The connection broke: whoever answers next has to prove itself before anything is sent to it. */
export function distrust(): void {
  proving = null;
  isProven = false;
}

/**
 * Lets who answers here prove that it is the engine, unless it did since the last break.
 * @throws ModeliumError token-required; not-running: nobody answers, or somebody else.
 */
export async function provenSession(): Promise<ProvenSession> {
  proving ??= prove();
  const asked = proving;
  try {
    const session = await asked;
    if (proving === asked) wasProven = isProven = true;
    return session;
  } catch (thrown) {
    if (proving === asked) proving = null;
    throw thrown;
  }
}

async function prove(): Promise<ProvenSession> {
  const kept = keptSession();
  if (token === null && kept === null) throw new ModeliumError('token-required', NO_TOKEN);
  if (globalThis.crypto.subtle === undefined) throw new ModeliumError('token-required', NOT_SECURE);
  const nonce = randomHex(32);
  const { run, timeMs, listens, hmac: given } = await challenge(nonce);
  // The kept key is of one run of the engine; a new one needs the token.
  const key = token !== null ? await hmac(token, sessionMessage(run)) : kept?.run === run ? kept.key : null;
  if (key === null) throw new ModeliumError('token-required', STARTED_ANEW);
  const expected = await hmac(key, engineMessage({ nonce, address: location.host }, { run, timeMs, listens }));
  if (given !== expected) {
    if (isTokenRight || token === null) throw new ModeliumError('not-running', STRANGER);
    throw new ModeliumError('token-required', UNKNOWN);
  }
  // Where it listens elsewhere, somebody passed the question on. Nobody could tell a tunnel from
  // whoever took the port that it had.
  if (listens !== location.host) throw new ModeliumError('not-running', `${STRANGER} ${texts.link.engineIsAt(listens)}`);
  isTokenRight = token !== null;
  sessionStorage.setItem(KEPT, JSON.stringify({ run, key } satisfies Session));
  return { run, key, aheadMs: timeMs - Date.now() };
}

async function challenge(nonce: string): Promise<Proof> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ nonce }),
    cache: 'no-store',
  } as const;
  const response = await fetch('/control/prove', { ...init, redirect: 'error' }).catch((cause: unknown) => {
    throw new ModeliumError('not-running', texts.common.engineDoesNotAnswer, { cause });
  });
  const answer = (await response.json().catch(() => null)) as Partial<Proof> | null;
  const { run, timeMs, listens, hmac: given } = answer ?? {};
  const isWhole = typeof run === 'string' && typeof timeMs === 'number' && typeof listens === 'string' && typeof given === 'string';
  if (!isWhole) throw new ModeliumError('not-running', STRANGER);
  return { run, timeMs, listens, hmac: given };
}

/** @returns the headers that sign a request, and a check of the head of its answer. */
export async function sign(
  { key, aheadMs }: ProvenSession,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string | ArrayBuffer },
): Promise<{ readonly authorization: string; isAnsweredBy(response: Response): Promise<boolean> }> {
  const bodyHash = hex(await crypto.subtle.digest('SHA-256', typeof body === 'string' ? bytes(body) : body));
  const nonce = randomHex(16);
  // As the browser will write it.
  const { pathname, search } = new URL(path, location.href);
  const request: SignedRequest = { method, address: location.host, path: pathname + search, timeMs: Date.now() + aheadMs, nonce, bodyHash };
  const proof = await hmac(key, requestMessage(request));
  return {
    authorization: proofHeader(request, proof),
    isAnsweredBy: async (response) => response.headers.get(ANSWER_PROOF_HEADER) === (await hmac(key, answerMessage(proof))),
  };
}

function keptSession(): Session | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '') as Partial<Session>;
    return typeof kept.run === 'string' && typeof kept.key === 'string' ? { run: kept.run, key: kept.key } : null;
  } catch {
    return null;
  }
}

async function hmac(key: string, message: string): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', bytes(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return hex(await crypto.subtle.sign('HMAC', imported, bytes(message)));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function randomHex(count: number): string {
  return hex(crypto.getRandomValues(new Uint8Array(count)).buffer);
}

function hex(buffer: ArrayBuffer): string {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
