/**
 * Owns every model's record. Only this file calls `transition()` (I1); other files report an event
 * here to change a state. It notifies listeners of changes and takes no further action. Guarded by
 * test/core/registry.test.ts.
 */
import type { ModelEvent, ModelState, StateName, StateOf } from '../../shared/model.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import type { Settings } from '../../shared/settings.ts';
import { BY_FILES, transition } from '../../shared/transition.ts';
import { foldedName, NameIndex } from './name-index.ts';
import type { OfferedModel } from './notice/offered.ts';
import type { FileIdentity } from './ports.ts';
import { askedQuantization, servedQuantizations } from './quantization-names.ts';
import { NOTHING_RETRIED, type RetriedWith } from './retry-with.ts';

export interface ModelRecord {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly path: string;
  readonly realPath: string;
  readonly kind: 'file' | 'folder';
  /** A person registered the path; else it lies in a watch folder. */
  readonly added: boolean;
  readonly device: number;
  readonly inode: number;
  /** Of one that lies in no file: the server that offers it, and as what. */
  readonly server?: { readonly name: string; readonly where: string; readonly model: string; readonly offer: OfferedModel };
  /** When its file or folder came to be; 0 or absent: unknown. */
  readonly bornMs?: number;
  readonly files: readonly FileIdentity[];
  /**
   * The files as they were when the profile was read: what was done to them since shows in their
   * times, also where somebody set the others back.
   */
  readonly analyzedFiles: readonly FileIdentity[];
  readonly state: ModelState;
  readonly profile: ModelProfile | null;
  readonly pinned: boolean;
  /** A person said "load anyway" of this content: tensors that end in zeros count as data. */
  readonly force: boolean;
  /** Failed loads in a row; forgotten after ten minutes of ready. */
  readonly attempts: number;
  /** What explained failures asked for, and got. */
  readonly retried: RetriedWith;
}

export type NewRecord = Pick<ModelRecord, 'id' | 'aliases' | 'path' | 'realPath' | 'kind' | 'added' | 'device' | 'inode' | 'files'> &
  Partial<Pick<ModelRecord, 'pinned' | 'force' | 'bornMs' | 'server'>>;

/** What may be changed beside the state; the state has `apply`. */
export type RecordPatch = Partial<Omit<ModelRecord, 'id' | 'state'>>;

export interface Change {
  readonly id: string;
  /** Null: the record ended. */
  readonly record: ModelRecord | null;
  readonly previous: ModelState | null;
  readonly event: ModelEvent | null;
}

export class Registry {
  readonly #records = new Map<string, ModelRecord>();
  readonly #names = new NameIndex();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #modelSettings: () => Settings['models'];
  readonly #unreported: Change[] = [];
  #isTelling = false;

  /** @param modelSettings the settings' `models`, whose `aliases` are names too. */
  constructor(modelSettings: () => Settings['models'] = () => ({})) {
    this.#modelSettings = modelSettings;
  }

  /**
   * Each listener hears every change once, in the order in which they happened. By then the record
   * may have moved on: what it is now says `get`.
   * @returns what ends it.
   */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(id: string): ModelRecord | undefined {
    return this.#records.get(id);
  }

  all(): IterableIterator<ModelRecord> {
    return this.#records.values();
  }

  /**
   * All that there are now, each as it is when its turn comes: whatever is done about one may have
   * moved or ended the next.
   */
  *each(): Generator<ModelRecord> {
    for (const id of [...this.#records.keys()]) {
      const record = this.#records.get(id);
      if (record !== undefined) yield record;
    }
  }

  /**
   * The id behind a name, for requests, the command line and whoever else names a model: ids win
   * over aliases, names of the files over those of the settings, and exact names over other
   * spellings of them (`name-index.ts`). Null: none is called so, or a spelling could mean two.
   */
  resolve(name: string): string | null {
    const found = this.#named(name);
    if (found !== null) return found;
    const asked = askedQuantization(name);
    const id = asked === null ? null : this.#named(asked.base);
    return asked !== null && id !== null && this.#quantizations(id).some((each) => foldedName(each) === foldedName(asked.quantization))
      ? id
      : null;
  }

  /**
   * Names with the quantisation that each reaches, for who asked for another one; none where nobody
   * did.
   */
  quantizationsBeside(name: string): readonly string[] {
    const asked = askedQuantization(name);
    const id = asked === null ? null : this.#named(asked.base);
    return asked === null || id === null ? [] : [...this.#quantizations(id).map((each) => `${asked.base}:${each}`), asked.base];
  }

  #named(name: string): string | null {
    if (this.#records.has(name)) return name;
    return this.#names.exactly(name) ?? this.#namedInSettings(name) ?? this.#names.spelled(name) ?? this.#spelledInSettings(name);
  }

  #quantizations(id: string): readonly string[] {
    const record = this.#records.get(id);
    if (record === undefined) return [];
    const settings = this.#modelSettings();
    const own = [id, ...record.aliases].map((name) => settings[name]).find((each) => each !== undefined);
    return servedQuantizations(record, own?.quantization);
  }

  /** Every name that a model answers to, each once. */
  names(): readonly string[] {
    const configured = Object.values(this.#modelSettings()).flatMap((model) => model.aliases ?? []);
    return [...new Set([...this.#names.names(), ...configured.filter((name) => this.resolve(name) !== null)])];
  }

  /** Begins a record in `discovered`. */
  add(record: NewRecord): ModelRecord {
    if (this.#records.has(record.id)) throw new Error(`the id ${record.id} is taken`);
    const whole: ModelRecord = {
      pinned: false,
      force: false,
      ...record,
      state: { name: 'discovered' },
      profile: null,
      analyzedFiles: [],
      attempts: 0,
      retried: NOTHING_RETRIED,
    };
    this.#records.set(record.id, whole);
    this.#names.add(record.id, namesOf(whole));
    this.#tell({ id: record.id, record: whole, previous: null, event: null });
    return whole;
  }

  /** Moves a model by a fact. @throws IllegalTransition when the table lacks the move. */
  apply(id: string, event: ModelEvent): ModelState | 'forgotten' {
    const record = this.#require(id);
    const next = transition(record.state, event);
    if (next === 'forgotten') {
      this.#records.delete(id);
      this.#names.remove(id, namesOf(record));
      this.#tell({ id, record: null, previous: record.state, event });
      return next;
    }
    const changed = { ...record, ...(next.name === 'settling' ? UNKNOWN_CONTENT : {}), state: next };
    this.#records.set(id, changed);
    this.#tell({ id, record: changed, previous: record.state, event });
    return next;
  }

  /** Changes facts beside the state. */
  update(id: string, patch: RecordPatch): ModelRecord {
    const before = this.#require(id);
    const changed = { ...before, ...patch };
    this.#records.set(id, changed);
    if (patch.aliases !== undefined) {
      this.#names.remove(id, namesOf(before));
      this.#names.add(id, namesOf(changed));
    }
    this.#tell({ id, record: changed, previous: changed.state, event: null });
    return changed;
  }

  #namedInSettings(name: string): string | null {
    for (const [owner, { aliases }] of Object.entries(this.#modelSettings())) {
      if (aliases?.includes(name)) return this.#ownerOf(owner);
    }
    return null;
  }

  /**
   * As `#namedInSettings`, in any case and any form of its letters; null where two models could be
   * meant.
   */
  #spelledInSettings(name: string): string | null {
    const wanted = foldedName(name);
    const owners = Object.entries(this.#modelSettings()).flatMap(([owner, { aliases }]) =>
      aliases?.some((alias) => foldedName(alias) === wanted) === true ? (this.#ownerOf(owner) ?? []) : [],
    );
    return new Set(owners).size === 1 ? (owners[0] ?? null) : null;
  }

  /** The id of a model that the settings name. */
  #ownerOf(name: string): string | null {
    return this.#records.has(name) ? name : this.#names.exactly(name);
  }

  #require(id: string): ModelRecord {
    const record = this.#records.get(id);
    if (record === undefined) throw new Error(`no model ${id}`);
    return record;
  }

  /**
   * A listener may apply events itself: those are told once everybody has heard this change, so
   * that each hears them in their order. A bug in one listener costs the others nothing: it is
   * thrown when all have heard.
   */
  #tell(change: Change): void {
    this.#unreported.push(change);
    if (this.#isTelling) return;
    this.#isTelling = true;
    const thrown: unknown[] = [];
    for (let next = this.#unreported.shift(); next !== undefined; next = this.#unreported.shift()) {
      for (const listener of this.#listeners) {
        try {
          listener(next);
        } catch (error) {
          thrown.push(error);
        }
      }
    }
    this.#isTelling = false;
    if (thrown.length > 0) throw thrown[0];
  }
}

function namesOf({ id, aliases }: ModelRecord): readonly string[] {
  return [id, ...aliases];
}

/**
 * What was learned of content holds for that content only: files that settle (again) are nothing
 * known.
 */
const UNKNOWN_CONTENT = { profile: null, attempts: 0, retried: NOTHING_RETRIED } as const;

/** Nothing but another look at the files can say more of it: there is no profile to decide on. */
export function isBlockedByFiles(state: ModelState): boolean {
  return state.name === 'blocked' && BY_FILES.has(state.reason);
}

/** Narrows a record's state by its name. */
export function stateOf<N extends StateName>(record: ModelRecord | undefined, name: N): StateOf<N> | null {
  return record?.state.name === name ? (record.state as StateOf<N>) : null;
}
