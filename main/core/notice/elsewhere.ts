/**
 * Models that remote servers offer: which of them get a record, under which name, and why one is
 * unavailable. Applies what a check of a server found to the registry. Saves nothing: when the
 * settings no longer name the server, its models are gone.
 */
import { hasProcess } from '../../../shared/model.ts';
import { NOTHING_KNOWN, offeredForm } from '../../../shared/profile.ts';
import type { Admission } from '../admission.ts';
import type { Doer } from '../doer.ts';
import type { Clock, Log } from '../ports.ts';
import type { ModelRecord, Registry } from '../registry.ts';
import { givenName, idOf, TakenNames, unusedId } from './model-ids.ts';
import type { OfferedModel } from './offered.ts';

/** What a look at a server said. `offers` null: it is in the settings no more. */
export interface ServerReport {
  readonly server: string;
  readonly where: string;
  readonly offers: readonly OfferedModel[] | null;
  /** Why nothing of it can be asked now; null: it is there. */
  readonly away: Problem | null;
  /**
   * The first answer since its settings changed: what is not offered now was taken out by a person.
   */
  readonly isAnew?: boolean;
}

export interface ElsewherePorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly doer: Pick<Doer, 'unloadModel'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Problem {
  readonly why: string;
  readonly help: string;
}

/** Known of one server at once, those included that it offers no more (I10). */
const MOST_KNOWN = 400;

export class Elsewhere {
  readonly #ports: ElsewherePorts;
  readonly #problems = new Map<string, Problem>();

  constructor(ports: ElsewherePorts) {
    this.#ports = ports;
    ports.registry.onChange(({ id, record }) => {
      if (record === null) this.#problems.delete(id);
    });
  }

  /** Why a model cannot be asked now; null: nothing is known against it. */
  problemOf(id: string): Problem | null {
    return this.#problems.get(id) ?? null;
  }

  apply({ server, where, offers, away, isAnew = false }: ServerReport): void {
    const { registry } = this.#ports;
    const known = [...registry.all()].filter((record) => record.server?.name === server);
    if (offers === null) {
      for (const record of known) this.#forget(record);
      return;
    }
    const isOffered = (record: ModelRecord): boolean => offers.some((offer) => offer.model === record.server?.model);
    const fresh = offers.filter((offer) => known.every((record) => record.server?.model !== offer.model));
    // Those that it offers no more make room for new ones, the oldest first.
    const gone = known.filter((record) => !isOffered(record) && !hasProcess(record.state));
    const forgotten = new Set(isAnew ? gone : gone.slice(0, Math.max(0, known.length + fresh.length - MOST_KNOWN)));
    for (const record of forgotten) this.#forget(record);
    const room = MOST_KNOWN - (known.length - forgotten.size);
    for (const offer of fresh.slice(0, room)) this.#add(server, where, offer, away ?? problemIn(offer));
    if (fresh.length > room)
      this.#ports.log.warn(
        `${where} offers ${fresh.length - room} models more than the limit of ${MOST_KNOWN} for one server: name the models that you want in its setting models`,
      );
    for (const offer of offers) {
      const record = known.find((each) => each.server?.model === offer.model);
      if (record === undefined) continue;
      if (record.server?.offer.name === offer.name) this.#set(record, away ?? problemIn(offer), offer, where);
      else {
        // Under another name it is another model here. One that is asked just now keeps its name
        // until it was left.
        this.#forget(record);
        if (registry.get(record.id) === undefined) this.#add(server, where, offer, away ?? problemIn(offer));
      }
    }
    for (const record of known) {
      const model = record.server?.model ?? '';
      if (isOffered(record) || forgotten.has(record)) continue;
      this.#set(
        record,
        away ?? { why: `${where} no longer offers ${model}.`, help: 'It can be used again as soon as the server offers it again.' },
        null,
        where,
      );
    }
  }

  #add(server: string, where: string, offer: OfferedModel, problem: Problem | null): void {
    const { registry, admission, clock, log } = this.#ports;
    const { id, aliases, instead } = namesFor(server, offer, new TakenNames(registry.names()));
    if (instead !== null)
      log.warn(
        `${offer.model} of ${where} is called ${aliases[0] ?? id} here, because ${instead} is another model; a prefix in the settings of that server would tell them apart`,
      );
    if (problem !== null) this.#problems.set(id, problem);
    // Being there is all that it takes: whoever is listed can be asked.
    admission.want(id, 'always', clock.now());
    const place = { ...placeAt(where, offer.model), kind: 'file', device: 0, inode: 0, files: [] } as const;
    registry.add({ id, aliases, ...place, added: true, server: { name: server, where, model: offer.model, offer } });
  }

  /** What can be asked of it is other than before: the orchestrator takes it from there. */
  #set(record: ModelRecord, problem: Problem | null, offer: OfferedModel | null, where: string): void {
    const { registry, admission, clock, doer } = this.#ports;
    const { id } = record;
    const before = this.problemOf(id);
    if (record.server !== undefined && record.server.where !== where)
      registry.update(id, { server: { ...record.server, where }, ...placeAt(where, record.server.model) });
    if (offer !== null && record.server !== undefined && record.profile !== null && isOther(record, offer))
      registry.update(id, { server: { ...record.server, where, offer }, profile: offeredProfile(offer, record.server.name) });
    if (before?.why === problem?.why) return;
    if (problem === null) {
      this.#problems.delete(id);
      admission.want(id, 'always', clock.now());
    } else this.#problems.set(id, problem);
    const { state } = registry.get(id) ?? record;
    if (problem !== null && hasProcess(state)) return void doer.unloadModel(id, 'away', { to: 'analyzed' });
    if (state.name === 'blocked' || state.name === 'unloaded' || state.name === 'failed' || state.name === 'queued')
      registry.apply(id, { type: 'reconsidered' });
  }

  #forget({ id, state }: ModelRecord): void {
    const { registry, admission, doer } = this.#ports;
    admission.unwant(id);
    if (hasProcess(state) || state.name === 'draining') return void doer.unloadModel(id, 'gone', { to: 'forgotten' });
    registry.apply(id, { type: 'gone' });
  }
}

function placeAt(where: string, model: string): { readonly path: string; readonly realPath: string } {
  return { path: `${where} ${model}`, realPath: `${where} ${model}` };
}

function problemIn({ problem }: OfferedModel): Problem | null {
  return problem === null ? null : { why: problem, help: '' };
}

function isOther({ server }: ModelRecord, offer: OfferedModel): boolean {
  return server?.offer.kind !== offer.kind || server.offer.contextTokens !== offer.contextTokens;
}

/**
 * All that is known of it. One of an unknown kind is asked for an answer to messages, or for
 * vectors, as a request wants.
 */
export function offeredProfile({ model, kind, contextTokens }: OfferedModel, server: string): NonNullable<ModelRecord['profile']> {
  const hasChatTemplate = kind === 'unknown' || kind === 'chat' || kind === 'vision-language';
  return { ...NOTHING_KNOWN, kind, name: model, contextLength: contextTokens, hasChatTemplate, forms: [offeredForm(server, model)] };
}

/**
 * Where somebody has the name already, the server's own name tells them apart. `instead`: that
 * name.
 */
function namesFor(server: string, { model, name }: OfferedModel, taken: TakenNames) {
  const idFor = (whole: string, prefix: string): string => idOf(`${prefix.replaceAll('/', '-')}${givenName(whole)}`);
  const wished = idFor(model, name.slice(0, name.length - model.length));
  if (!taken.has(wished) && !taken.has(name)) return { id: wished, aliases: name === wished ? [] : [name], instead: null };
  const own = `${server.split(':').at(-1)}/${model}`;
  const id = unusedId(idFor(model, `${server.split(':').at(-1)}-`), taken);
  return { id, aliases: taken.has(own) || own === id ? [] : [own], instead: taken.has(name) ? name : wished };
}
