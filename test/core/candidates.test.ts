import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Absences, type CandidateEvent, type KnownCandidate, RENAME_WINDOW_MS, reconcile } from '../../main/core/notice/candidates.ts';
import { idOf, TakenNames, unusedId } from '../../main/core/notice/model-ids.ts';
import type { CandidateListing, FolderScan, RememberedModel } from '../../main/core/ports.ts';

const FOLDER = '/models';

function listing(name: string, inode: number, version = 1, folder = FOLDER): CandidateListing {
  const path = `${folder}/${name}`;
  const file = { path: name.split('/').at(-1)!, bytes: 100 * version, mtimeMs: version, device: 1, inode };
  return { path, realPath: path, name, kind: 'file', device: 1, inode, files: [file] };
}

/** The little that the orchestrator does with the events. */
class Book {
  readonly known = new Map<string, KnownCandidate>();
  readonly log: string[] = [];
  absences: Absences = new Map();
  remembered: RememberedModel[] = [];
  folders = [FOLDER];
  /** In one turn; as many as the product takes if undefined. */
  mostEvents: number | undefined;
  /** How many events each turn had. */
  parts: number[] = [];

  scan(candidates: readonly CandidateListing[] | string, nowMs: number, folder = FOLDER): readonly CandidateEvent[] {
    const scan: FolderScan = typeof candidates === 'string' ? { folder, ok: false, message: candidates } : { folder, ok: true, candidates };
    const events: CandidateEvent[] = [];
    for (let isMore = true; isMore; ) {
      const { known, remembered, absences, folders } = this;
      const result = reconcile({ known: [...known.values()], remembered, absences, folders, scan, nowMs }, this.mostEvents);
      this.absences = result.absences;
      for (const event of result.events) this.#apply(event, folder);
      events.push(...result.events);
      this.parts.push(result.events.length);
      isMore = result.isMore;
    }
    return events;
  }

  #apply(event: CandidateEvent, folder: string): void {
    this.log.push(`${event.type} ${event.id}`);
    if (event.type === 'gone') this.known.delete(event.id);
    else if (event.type === 'away') this.known.set(event.id, { ...this.known.get(event.id)!, away: true });
    else {
      const { path, realPath, device, inode, bornMs = 0, files } = event.listing;
      const aliases = 'aliases' in event ? event.aliases : this.known.get(event.id)!.aliases;
      this.known.set(event.id, {
        id: event.id,
        aliases,
        path,
        realPath,
        device,
        inode,
        bornMs,
        files,
        added: path === folder,
        away: false,
      });
    }
  }

  remember(): void {
    this.remembered = [...this.known.values()].map((model) => ({ ...model, pinned: true, force: false, ended: 'unloaded', failure: null }));
    this.known.clear();
  }
}

describe('ids', () => {
  test.each([
    ['SmolLM2.gguf', 'SmolLM2'],
    ['My Model (v2).GGUF', 'My Model (v2)'],
    ['owner/Model', 'Model'],
    ['Big-00001-of-00003.gguf', 'Big'],
    ['BIG-00001-OF-00003.GGUF', 'BIG'],
    ['.gguf', 'model'],
    ['--x', 'x'],
    ['模型一', '模型一'],
    ['千问2.5-7B.gguf', '千问2.5-7B'],
    ['Модель-7B', 'Модель-7B'],
    ['हिन्दी [v1]', 'हिन्दी [v1]'],
    ['cafe\u0301', 'caf\u00e9'],
    ['a\u00a0b\u2003c', 'a b c'],
    ['safe\u202efugg', 'safefugg'],
    ['zero\u200bwidth', 'zerowidth'],
    ['what?/#%&"<b>', 'b-'],
    ['bad/../..', 'model'],
    ['???', 'model'],
    ['x'.repeat(300), 'x'.repeat(120)],
  ])('%s -> %s', (name, id) => expect(idOf(name)).toBe(id));

  test('a name that looks like a taken one gets a number, whatever makes it look so', () => {
    const taken = new TakenNames(['model', 'caf\u00e9']);
    // A Cyrillic letter, a wide one, decomposed letters.
    for (const twin of ['m\u043edel', '\uff4dodel', 'cafe\u0301']) expect(unusedId(twin, taken)).toBe(`${twin}-2`);
    expect(unusedId('Model', taken)).toBe('Model');
  });
});

describe('reconcile', () => {
  test('the name that people gave is an alias where the id is another one, of a loose file too', () => {
    const book = new Book();
    book.scan([listing('what? (v2).gguf', 1)], 0);
    const [model] = book.known.values();
    expect(model?.id).not.toContain('?');
    expect(model?.aliases).toContain('what? (v2)');
  });

  test('appears once, changes, is held for five seconds, then gone', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1)], 0);
    book.scan([listing('a.gguf', 1)], 1);
    book.scan([listing('a.gguf', 1, 2)], 2);
    book.scan([], 10);
    book.scan([], 10 + RENAME_WINDOW_MS - 1);
    expect(book.log).toEqual(['appeared a', 'changed a']);
    book.scan([], 10 + RENAME_WINDOW_MS);
    expect(book.log.at(-1)).toBe('gone a');
  });

  test('a rename, in one scan or in two, keeps the id and gives the new name as an alias', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1)], 0);
    expect(book.scan([listing('b.gguf', 1)], 1)).toMatchObject([{ type: 'renamed', id: 'a', newName: 'b', aliases: ['b'] }]);
    book.scan([], 2);
    expect(book.scan([listing('a.gguf', 1)], 3)).toMatchObject([{ type: 'renamed', id: 'a', newName: 'a', aliases: ['b'] }]);
    expect(book.scan([listing('a.gguf', 1)], 20_000)).toEqual([]);
  });

  test('a freed inode that another file gets is no rename', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1)], 0);
    book.scan([listing('b.gguf', 1, 9)], 1);
    book.scan([listing('b.gguf', 1, 9)], 6000);
    expect(book.log).toEqual(['appeared a', 'appeared b', 'gone a']);
  });

  describe('one inode is not one model', () => {
    const folder = (name: string, born: number | undefined, ctimeMs: number, inode = 7): CandidateListing => ({
      ...listing(name, inode),
      kind: 'folder',
      ...(born === undefined ? {} : { bornMs: born }),
      files: [{ path: 'model.py', bytes: 5, mtimeMs: 1, ctimeMs, device: 1, inode: 8, ...(born === undefined ? {} : { bornMs: born }) }],
    });
    const after = (first: CandidateListing, second: CandidateListing): readonly string[] => {
      const book = new Book();
      book.scan([first], 0);
      return book.scan([second], 1).map(({ type }) => type);
    };
    const born = (one: CandidateListing, bornMs: number): CandidateListing => ({
      ...one,
      files: one.files.map((file) => ({ ...file, bornMs })),
    });
    const otherFile = { ...folder('b', 10, 1), files: [{ ...folder('a', 10, 1).files[0]!, inode: 9 }] };

    test.each<[string, CandidateListing, CandidateListing, readonly string[]]>([
      ['another folder that got both inodes, and keeps size and time', folder('a', 10, 1), folder('b', 20, 1), ['appeared']],
      ['the same folder under another name', folder('a', 10, 1), folder('b', 10, 1), ['renamed']],
      ['no birth known: the same in all that is known', folder('a', undefined, 1), folder('b', undefined, 1), ['renamed']],
      ['no birth known, and something was done to a file: in doubt it is new', folder('a', 0, 1), folder('b', 0, 2), ['appeared']],
      ['the same folder with another file in it is other content', folder('a', 10, 1), otherFile, ['renamed', 'changed']],
      ['a copy over the same name that keeps inode, size and time', folder('a', 10, 1), folder('a', 20, 2), ['changed']],
      ['another file that got the inode', born(listing('a.gguf', 1), 1), born(listing('b.gguf', 1), 2), ['appeared']],
      ['the same file under another name', born(listing('a.gguf', 1), 1), born(listing('b.gguf', 1), 1), ['renamed']],
    ])('%s', (_what, first, second, events) => expect(after(first, second)).toEqual(events));
  });

  test('what was not looked at is not gone', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1), listing('b.gguf', 2)], 0);
    const scan = (more: object) => ({ folder: FOLDER, ok: true as const, candidates: [listing('a.gguf', 1)], ...more });
    const gone = (more: object): readonly string[] => {
      const given = { known: [...book.known.values()], remembered: [], folders: book.folders };
      const { absences } = reconcile({ ...given, absences: new Map(), scan: scan(more), nowMs: 0 });
      return reconcile({ ...given, absences, scan: scan(more), nowMs: 60_000 }).events.map(({ type, id }) => `${type} ${id}`);
    };
    expect([gone({ isCut: true }), gone({ notScanned: [`${FOLDER}/b.gguf`] }), gone({})]).toEqual([[], [], ['gone b']]);
  });

  test('what was absent and then could not be looked at is not gone, and is not waited for', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1), listing('b.gguf', 2)], 0);
    const given = { known: [...book.known.values()], remembered: [], folders: book.folders };
    const scan = (more: object) => ({ folder: FOLDER, ok: true as const, candidates: [listing('a.gguf', 1)], ...more });
    const { absences } = reconcile({ ...given, absences: new Map(), scan: scan({}), nowMs: 0 });
    expect([...absences.keys()]).toEqual(['b']);
    for (const more of [{ isCut: true }, { notScanned: [`${FOLDER}/b.gguf`] }]) {
      const later = reconcile({ ...given, absences, scan: scan(more), nowMs: 60_000 });
      expect([later.events, later.againMs, [...later.absences]]).toEqual([[], null, []]);
    }
  });

  test('a thousand models come, go and are renamed in many turns, and none is gone before its new name is seen', () => {
    const book = new Book();
    const many = (prefix: string) => Array.from({ length: 1_000 }, (_, index) => listing(`${prefix}${index}.gguf`, index + 1));
    expect(book.scan(many('a'), 0)).toHaveLength(1_000);
    const renamed = book.scan(many('b'), RENAME_WINDOW_MS);
    expect(new Set(renamed.map(({ type }) => type))).toEqual(new Set(['renamed']));
    book.scan([], RENAME_WINDOW_MS);
    expect(book.scan([], RENAME_WINDOW_MS * 2)).toHaveLength(1_000);
    expect([book.known.size, book.absences.size]).toEqual([0, 0]);
    expect(Math.max(...book.parts)).toBeLessThanOrEqual(100);
  });

  test('the later of two equal names gets -2, and keeps it over a restart', () => {
    const book = new Book();
    book.scan([listing('x.gguf', 1)], 0);
    expect(book.scan([listing('x.gguf', 1), listing('o/x', 2)], 1)).toMatchObject([{ id: 'x-2', aliases: ['o/x'] }]);
    book.remember();
    expect(book.scan([listing('o/x', 2)], 0)).toMatchObject([{ type: 'recognised', id: 'x-2', aliases: ['o/x'] }]);
    expect(book.scan([listing('o/x', 2), listing('x.gguf', 5, 5)], 1)).toMatchObject([
      { type: 'appeared', id: 'x', remembered: { pinned: true } },
    ]);
  });

  test('known content that was moved while nobody looked is recognised', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1)], 0);
    book.remember();
    expect(book.scan([listing('b.gguf', 1)], 0)).toMatchObject([{ type: 'recognised', id: 'a', aliases: ['b'] }]);
  });

  test('a folder that is away makes nothing gone, and a remount with another device number nothing new', () => {
    const book = new Book();
    book.scan([listing('a.gguf', 1)], 0);
    book.scan([], 1);
    book.scan('not mounted', 2);
    book.scan('not mounted', 60_000);
    book.scan([{ ...listing('a.gguf', 1), device: 9 }], 120_000);
    expect(book.log).toEqual(['appeared a', 'away a', 'returned a']);
  });

  test('the same content in a second watch folder is no news, and a nested watch folder owns its models', () => {
    const book = new Book();
    book.folders = [FOLDER, `${FOLDER}/incoming`];
    book.scan([listing('a.gguf', 1)], 0);
    expect(book.scan([listing('c.gguf', 1, 1, `${FOLDER}/incoming`)], 1, `${FOLDER}/incoming`)).toMatchObject([
      { type: 'appeared', id: 'c', sameContentAs: 'a' },
    ]);
    book.scan([listing('a.gguf', 1)], 60_000);
    expect(book.known.size).toBe(2);
  });

  test('two names of the same files that come at once are one content: only the first loads by itself', () => {
    const book = new Book();
    expect(book.scan([listing('a.gguf', 1), listing('link.gguf', 1), listing('other.gguf', 2)], 0)).toMatchObject([
      { type: 'appeared', id: 'a', sameContentAs: null },
      { type: 'appeared', id: 'link', sameContentAs: 'a' },
      { type: 'appeared', id: 'other', sameContentAs: null },
    ]);
  });

  test('a registered path answers to its own scan alone', () => {
    const book = new Book();
    const added = { ...listing('z', 7, 1, '/elsewhere') };
    book.scan([added], 0, added.path);
    book.scan([], 60_000);
    expect(book.scan([added], 60_000, added.path)).toEqual([]);
    book.scan([], 70_000, added.path);
    expect(book.scan([], 76_000, added.path)).toEqual([{ type: 'gone', id: 'z' }]);
  });

  const world = fc.array(
    fc.record({
      files: fc.option(
        fc.uniqueArray(
          fc.tuple(fc.constantFrom('a.gguf', 'b.gguf', 'o/a', 'c'), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 2 })),
          { selector: ([name]) => name },
        ),
      ),
      ms: fc.constantFrom(0, 100, 4_999, 5_001),
    }),
    { maxLength: 25 },
  );

  test('whatever happens: ids are unique, a second look says nothing, what is listed is known, and all that is not is gone in time', () => {
    fc.assert(
      fc.property(world, (steps) => {
        const book = new Book();
        // The same, one event in each turn.
        const slow = new Book();
        slow.mostEvents = 1;
        let nowMs = 0;
        for (const { files, ms } of steps) {
          nowMs += ms;
          const scan = files === null ? 'away' : files.map(([name, inode, version]) => listing(name, inode, version));
          const before = new Set(book.known.keys());
          const events = book.scan(scan, nowMs);
          slow.scan(scan, nowMs);
          expect(new Map([...slow.known].toSorted())).toEqual(new Map([...book.known].toSorted()));
          if (typeof scan === 'string') expect(events.every(({ type }) => type === 'away')).toBe(true);
          for (const event of events) expect(event.type === 'appeared').toBe(!before.has(event.id) && event.type !== 'gone');
          expect(book.scan(scan, nowMs)).toEqual([]);
          const names = [...book.known.values()].flatMap((model) => [model.id, ...model.aliases]);
          expect(new Set(names).size).toBe(names.length);
          if (typeof scan !== 'string')
            for (const { path } of scan) expect([...book.known.values()].filter((model) => model.path === path)).toHaveLength(1);
        }
        book.scan([], nowMs);
        book.scan([], nowMs + RENAME_WINDOW_MS);
        expect(book.known.size).toBe(0);
        expect(book.absences.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
