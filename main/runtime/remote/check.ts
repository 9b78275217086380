/**
 * Reads a remote server's list of models. The list is untrusted: bounded, cleaned, and used only
 * for names and kinds.
 */

import { MODEL_KINDS, type ModelKind } from '../../../shared/profile.ts';
import { visibleName } from '../../../shared/visible.ts';
import type { Problem } from '../../core/notice/elsewhere.ts';
import type { OfferedModel as Offer } from '../../core/notice/offered.ts';
import type { ForeignStatus } from '../adapter.ts';
import { http, type Steps } from '../step.ts';
import { unreachableBecause } from '../unreachable.ts';
import type { Remote } from './find.ts';

const TIMEOUT_MS = 20_000;
/** A list of models is a few kilobytes; parsing more would hold others up (I12). */
const MOST_CHARACTERS = 1024 * 1024;
export const MOST_MODELS = 200;
const LONGEST_NAME = 200;
const NAMES_SHOWN = 5;

export function* checkRemote(remote: Remote): Steps<ForeignStatus> {
  const endpoint = { at: { url: remote.origin }, key: remote.key, protocol: 'openai', model: '', prefix: remote.prefix } as const;
  const away = ({ why, help }: Problem): ForeignStatus => ({ isThere: false, why, help, offers: configured(remote, why) });
  if (remote.problem !== null) return away(remote.problem);
  const { at, key } = endpoint;
  const path = `${remote.prefix}/models`;
  const answer = yield* http({ at, key, method: 'GET', path, body: null, timeoutMs: TIMEOUT_MS, reportsWhy: true });
  if (answer === null || answer.status !== 200) return away(whyAway(remote, answer?.status ?? 0, answer?.body ?? ''));
  const entries = answer.body.length > MOST_CHARACTERS ? null : entriesOf(answer.body);
  if (entries === null)
    return away({
      why: `${remote.where} answers, but not with a list of models.`,
      help: `Is remotes.${remote.name}.url right? Most end in /v1.`,
    });
  return { isThere: true, endpoint, offers: offersOf(remote, entries) };
}

/** @param status 0: no answer came, and `body` says why. */
function whyAway({ name, where, key, settings }: Remote, status: number, body: string): Problem {
  const at = `remotes.${name}`;
  if (status === 0)
    return { why: `${where} does not answer: ${unreachableBecause(body, TIMEOUT_MS)}.`, help: 'Modelium asks it again automatically.' };
  if (status === 401 || status === 403) {
    const source = settings.key_env === undefined ? `${at}.key_file` : `${at}.key_env`;
    return key === null
      ? {
          why: `${where} wants a key (status ${status}).`,
          help: `Name an environment variable (${at}.key_env) or a file (${at}.key_file) that holds it.`,
        }
      : { why: `${where} refuses the key that ${source} names (status ${status}).`, help: 'Put the right one there.' };
  }
  if (status >= 300 && status < 400)
    return {
      why: `${where} redirects to another address (status ${status}), which Modelium does not follow.`,
      help: `Write the final address into ${at}.url.`,
    };
  if (status === 404) return { why: `${where} has no list of models (status 404).`, help: `Is ${at}.url right? Most end in /v1.` };
  return { why: `${where} cannot answer now (status ${status}).`, help: 'Modelium asks it again automatically.' };
}

type Entry = Readonly<Record<string, unknown>> & { readonly id: string };

function entriesOf(body: string): readonly Entry[] | null {
  try {
    const { data } = JSON.parse(body) as { data?: unknown };
    return Array.isArray(data) ? data.filter(isEntry) : null;
  } catch {
    return null;
  }
}

/** Names that can be told apart by looking at them. */
function isEntry(entry: unknown): entry is Entry {
  const { id } = (entry ?? {}) as { id?: unknown };
  return typeof id === 'string' && id !== '' && id.length <= LONGEST_NAME && visibleName(id) === id;
}

function offersOf(remote: Remote, entries: readonly Entry[]): readonly Offer[] {
  const { models } = remote.settings;
  // What a Modelium there has from others it does not serve itself: two that name each other would
  // else multiply their lists.
  if (models === 'all')
    return entries
      .filter((entry) => entry['remote'] == null)
      .slice(0, MOST_MODELS)
      .map((entry) => toOffer(remote, entry));
  return models.map((model) => {
    const entry = entries.find(({ id, ['aliases']: aliases }) => id === model || (Array.isArray(aliases) && aliases.includes(model)));
    if (entry !== undefined) return toOffer(remote, { ...entry, id: model });
    const names = entries.slice(0, NAMES_SHOWN).map(({ id }) => id);
    const others =
      names.length === 0 ? 'It offers no model at all.' : `It offers ${names.join(', ')}${entries.length > names.length ? ' ...' : ''}.`;
    return { ...toOffer(remote, { id: model }), problem: `${remote.where} does not offer ${model}. ${others}` };
  });
}

/** Those that the settings name are known before anybody answered. */
function configured(remote: Remote, why: string): readonly Offer[] {
  const { models } = remote.settings;
  return models === 'all' ? [] : models.map((id) => ({ ...toOffer(remote, { id }), problem: why }));
}

function toOffer({ settings }: Remote, entry: Entry): Offer {
  const { id, kind, meta } = entry;
  const { n_ctx_train: trained } = (typeof meta === 'object' && meta !== null ? meta : {}) as { n_ctx_train?: unknown };
  const lengths = [entry['context_length'], entry['max_model_len'], trained];
  const contextTokens = lengths.find((length): length is number => Number.isSafeInteger(length) && Number(length) > 0) ?? null;
  return { model: id, name: `${settings.prefix}${id}`, kind: kindOf(kind, id), contextTokens, problem: null };
}

/**
 * As a Modelium says it; else by the name, where that says it. One of an unknown kind is asked as
 * the request wants.
 */
function kindOf(reported: unknown, id: string): ModelKind {
  const kind = MODEL_KINDS.find((each) => each === reported);
  if (kind !== undefined) return kind;
  return /embed/i.test(id) ? 'embedding' : /rerank/i.test(id) ? 'reranker' : 'unknown';
}
