/**
 * The layers, checked by reading every import: a second opinion beside Biome and the tsconfigs, and
 * one that counts what it saw.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wordsIn } from './helpers/words.ts';

const root = resolve(import.meta.dirname, '..');
const LAYERS = [
  'shared',
  'renderer',
  'main/core',
  'main/runtime',
  'main/io',
  'main/http',
  'main/embedded',
  'main/electron',
  'main/cli',
  'main',
] as const;
type Layer = (typeof LAYERS)[number];

/** Which layers each may import, itself apart. */
const MAY_IMPORT: Record<Layer, readonly Layer[]> = {
  shared: [],
  renderer: ['shared'],
  'main/core': ['shared'],
  'main/runtime': ['shared', 'main/core'],
  'main/io': ['shared', 'main/core'],
  'main/http': ['shared', 'main/core'],
  'main/embedded': ['shared', 'main/core'],
  'main/electron': ['shared', 'main/core', 'main/io', 'main'],
  'main/cli': ['shared', 'main/core', 'main/io', 'main/http', 'main/embedded', 'main'],
  main: ['shared', 'main/core', 'main/runtime', 'main/io', 'main/http', 'main/embedded', 'main/cli'],
};

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** `import type`: nothing of it runs. */
  readonly isType: boolean;
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string, text: string): readonly Import[] {
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s(type\s)?(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  );
  return [...found].map((match) => ({ from: file, specifier: match[2] ?? match[3] ?? '', isType: match[1] !== undefined }));
}

function layerOf(file: string): Layer {
  return LAYERS.find((layer) => file.startsWith(`${layer}/`)) ?? 'main';
}

/** A path from the repository's root, or a package. */
function targetOf({ from, specifier }: Import): string {
  return specifier.startsWith('.') ? relative(root, resolve(root, from, '..', specifier)) : specifier;
}

/** Each import that closes a circle, as the files on its way. */
function circles(imports: readonly Import[]): readonly string[] {
  const needs = new Map<string, string[]>();
  for (const { from, specifier } of imports) {
    if (specifier.startsWith('.')) needs.set(from, [...(needs.get(from) ?? []), relative(root, resolve(root, from, '..', specifier))]);
  }
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start >= 0) found.push([...way.slice(start), file].join(' -> '));
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of needs.get(file) ?? []) visit(next, [...way, file]);
  };
  for (const file of needs.keys()) visit(file, []);
  return found;
}

function violations(imports: readonly Import[]): readonly string[] {
  return imports.flatMap(({ from, specifier }) => {
    const layer = layerOf(from);
    if (!specifier.startsWith('.')) {
      const isNode = specifier.startsWith('node:') || builtinModules.includes(specifier);
      if (layer === 'shared' && specifier !== 'zod') return [`${from} imports ${specifier}`];
      if (layer === 'main/core') return [`${from} imports ${specifier}`];
      if (layer === 'renderer' && (isNode || specifier === 'zod' || specifier === 'electron')) return [`${from} imports ${specifier}`];
      return layer === 'main/runtime' && !isNode ? [`${from} imports ${specifier}`] : [];
    }
    const target = layerOf(relative(root, resolve(root, from, '..', specifier)));
    return target === layer || MAY_IMPORT[layer].includes(target) ? [] : [`${from} imports ${specifier} (${target})`];
  });
}

const files = [...sources('shared'), ...sources('renderer'), ...sources('main')];
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));

/**
 * Runtimes by name, in any spelling. `Ollama` and `llama-swap` are none, and neither is the `x-ray`
 * of a classifier; a model's own architecture or format may bear the name of one, but only in
 * `core/analyzer` and what belongs to it. What the settings say of runtimes that they name is for
 * the runtimes' folders, too.
 */
const RUNTIME_NAMES =
  /(?<![A-Za-z-])(?:llama|vllm|triton|ray)(?![a-z])|(?<![A-Z])(?:Llama|Vllm|vLLM|Triton|Ray)(?![a-z])|LLAMA|VLLM|TRITON|RAY_|ettings(?:\(\))?\.(?:runtimes|remotes)\b/;
/**
 * `custom` and `remote` are everyday words, too (a column of `ls` says "remote"): what counts is a
 * comparison, a key that means a runtime or a form, and what their folders export.
 */
const EVERYDAY_NAMES =
  /(?:[=!]==?|\bcase|\b(?:id|kind|form|runtime):|(?:includes|has)\()\s*'(?:custom|remote)'|'(?:custom|remote)'\s*[=!]==?|\b(?:custom|remote)(?:Adapter|Module|Runtime)\b/;
const OF_MODELS = /^main\/core\/analyzer\//;

/**
 * Lines of what must know no runtime that name one. `build.ts` and `programs.ts` are no part of the
 * rooms that must not: they list the files of the runtimes' child programs.
 */
function runtimeNames(file: string, text: string): readonly string[] {
  const layer = layerOf(file);
  const isBound =
    ['main/core', 'main/io', 'main/http', 'main/cli'].includes(layer) || (layer === 'main' && !/\/(?:build|programs)\.ts$/.test(file));
  if (!isBound || OF_MODELS.test(file)) return [];
  return text
    .split('\n')
    .flatMap((line, index) =>
      [RUNTIME_NAMES, EVERYDAY_NAMES].every((names) => !names.test(line.replaceAll(/ollama|llama-swap/gi, '')))
        ? []
        : [`${file}:${index + 1}: ${line.trim()}`],
    );
}

/** The places that have an answer where the system throws. */
const ASKS_THE_SYSTEM: ReadonlySet<string> = new Set(['main/io/folders.ts', 'main/core/step-behind.ts']);

describe('architecture', () => {
  test('it looks at the whole tree', () => {
    expect(files.length).toBeGreaterThan(80);
    expect(imports.length).toBeGreaterThan(300);
    for (const layer of LAYERS) expect(files.filter((file) => layerOf(file) === layer).length, layer).toBeGreaterThan(0);
  });

  test('no layer imports what it must not', () => {
    expect(violations(imports)).toEqual([]);
  });

  test('planted violations are found', () => {
    const planted = [
      importsOf('main/core/decide/brain.ts', "import { readFileSync } from 'node:fs';"),
      importsOf('main/core/decide/brain.ts', "import type { Store } from '../../io/ledger/store.ts';"),
      importsOf('main/io/ledger/store.ts', "export { x } from '../../runtime/manager.ts';"),
      importsOf('shared/model.ts', "import { x } from '../main/core/decide/brain.ts';"),
      importsOf('main/runtime/manager.ts', "const { execa } = await import('execa');"),
      importsOf('renderer/store.ts', "import { API } from '../main/core/gateway.ts';"),
      importsOf('renderer/app.tsx', "import { readFileSync } from 'node:fs';"),
      importsOf('main/http/proxy.ts', "import {\n  a,\n  b,\n} from '../io/http-client.ts';"),
      importsOf('main/embedded/server.ts', "import { readProc } from '../io/processes/proc.ts';"),
      importsOf('main/embedded/find-gpu.ts', "import type { Engine } from '../engine/engine.ts';"),
      importsOf('main/cli/ls.ts', "import { llamaModule } from '../runtime/llama/module.ts';"),
      importsOf('main/cli/open.ts', "import { showWindow } from '../electron/window.ts';"),
      importsOf('main/electron/main.ts', "import { listen } from '../http/server.ts';"),
      importsOf('main/electron/main.ts', "import { Manager } from '../runtime/manager.ts';"),
    ];
    expect(planted.map((each) => violations(each).length)).toEqual(planted.map(() => 1));
  });

  test('the laws inside: what tells is asked by nobody, noticing decides nothing, no page leans on another', () => {
    const broken = (all: readonly Import[]) =>
      all.flatMap((each) => {
        const { from, specifier } = each;
        const target = targetOf(each);
        const page = /^renderer\/pages\/[^/]+\//.exec(target)?.[0];
        const isBroken =
          (/^main\/core\/(?!tell\/)/.test(from) && target.startsWith('main/core/tell/')) ||
          (from.startsWith('main/core/notice/') && target.startsWith('main/core/decide/')) ||
          (from.startsWith('renderer/pages/') && page !== undefined && !from.startsWith(page)) ||
          (from.startsWith('renderer/ui/') && /^renderer\/(?!ui\/|texts\.ts$)/.test(target)) ||
          (/^renderer\/components\//.test(from) && target.startsWith('renderer/pages/'));
        return isBroken ? [`${from} imports ${specifier}`] : [];
      });
    expect(broken(imports)).toEqual([]);
    const planted = [
      importsOf('main/core/orchestrator.ts', "import { modelView } from './tell/views.ts';"),
      importsOf('main/core/notice/catalog.ts', "import { decide } from '../decide/brain.ts';"),
      importsOf('renderer/pages/box/box-page.tsx', "import { x } from '../models/model-table.tsx';"),
      importsOf('main/core/decision-log.ts', "import type { View } from './tell/views.ts';"),
      importsOf('renderer/ui/button.tsx', "import { x } from '../components/state-chip.tsx';"),
      importsOf('renderer/ui/button.tsx', "import { useStore } from '../store.ts';"),
      importsOf('renderer/ui/dialog.tsx', "import type { Api } from '../api.ts';"),
      importsOf('renderer/ui/field.tsx', "import { x } from '../pages/box/box-page.tsx';"),
      importsOf('renderer/components/menu.tsx', "import styles from '../pages/box/box-page.module.css';"),
    ];
    expect(planted.map((each) => broken(each).length)).toEqual(planted.map(() => 1));
    // Words are nobody's: the primitives have some, too.
    expect(broken(importsOf('renderer/ui/button.tsx', "import * as texts from '../texts.ts';"))).toEqual([]);
  });

  test('no file needs itself by way of others, types included', () => {
    expect(circles(imports)).toEqual([]);
    const planted = [
      ...importsOf('main/core/doer.ts', "import type { ModelRecord } from './registry.ts';"),
      ...importsOf('main/core/registry.ts', "import type { OfferedModel } from './notice/elsewhere.ts';"),
      ...importsOf('main/core/notice/elsewhere.ts', "import type { Doer } from '../doer.ts';"),
    ];
    expect(circles(planted)).toHaveLength(1);
  });

  test('no runtime is named outside of its folder and the list', () => {
    expect(files.flatMap((file) => runtimeNames(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    const planted = [
      runtimeNames('main/core/decide/brain.ts', "if (plan.runtime === 'llama') return 0;"),
      runtimeNames('main/engine/core.ts', 'const adapters = [vllmAdapter(facts)];'),
      runtimeNames('main/engine/engine.ts', 'settings().triton.enabled'),
      runtimeNames('main/http/openai.ts', '// As vLLM does.'),
      runtimeNames('main/io/metrics.ts', "'ray'"),
      runtimeNames('main/cli/check.ts', 'const findLlamaGpu = 1;'),
      runtimeNames('main/engine/runtimes.ts', 'Object.keys(this.#ports.settings().runtimes)'),
      runtimeNames('main/engine/settings.ts', 'Object.keys(settings.remotes)'),
      runtimeNames('main/core/decide/questions.ts', "forms.some(({ kind }) => kind === 'remote')"),
      runtimeNames('main/core/notice/elsewhere.ts', "const form = { kind: 'remote', files: [] };"),
      runtimeNames('main/engine/runtimes.ts', "if ('custom' === id) return;"),
      runtimeNames('main/engine/core.ts', 'const adapters = [remoteAdapter(facts)];'),
      runtimeNames('main/runtime/llama/adapter.ts', "id: 'llama'"),
      runtimeNames('main/cli/ls.ts', "model.remote === undefined ? placeName(model) : 'remote'"),
      runtimeNames('main/io/reader/stored.ts', 'isOllamaManifest(path), array, Array, trays'),
    ];
    expect(planted.map((found) => found.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
  });

  test("the window's main process imports the engine as a type, and of its neighbours what any Node can run", () => {
    const allowed = [
      'main/client.ts',
      'main/engine/engine.ts',
      'main/io/engine-file.ts',
      'main/io/folders.ts',
      'main/line-writer.ts',
      'main/packaged.ts',
    ];
    const outward = (all: readonly Import[]) =>
      all.filter((each) => layerOf(each.from) === 'main/electron' && /^main\/(?!electron\/)/.test(targetOf(each)));
    const broken = (all: readonly Import[]) =>
      outward(all).filter((each) => !allowed.includes(targetOf(each)) || (targetOf(each) === 'main/engine/engine.ts' && !each.isType));
    expect(broken(imports)).toEqual([]);
    // What is allowed is needed, too.
    expect([...new Set(outward(imports).map(targetOf))].sort()).toEqual(allowed);
    const planted = [
      importsOf('main/electron/main.ts', "import { programs } from '../programs.ts';"),
      importsOf('main/electron/host.ts', "import { Engine } from '../engine/engine.ts';"),
      importsOf('main/electron/host.ts', "import { type Settings, Engine } from '../engine/engine.ts';"),
      importsOf('main/electron/host.ts', "const { Engine } = await import('../engine/engine.ts');"),
      importsOf('main/electron/host.ts', "import type { Engine } from '../engine/engine.ts';"),
      importsOf('main/electron/host.ts', "import { find } from '../client.ts';"),
    ];
    expect(planted.map((each) => broken(each).length)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test('each third-party package has one importer in the main process', () => {
    const importersOf = (all: readonly Import[]): ReadonlyMap<string, ReadonlySet<string>> => {
      const importers = new Map<string, Set<string>>();
      for (const { from, specifier } of all) {
        const isMain = from.startsWith('main/') || from.startsWith('shared/');
        if (!isMain || specifier.startsWith('.') || specifier.startsWith('node:') || from === 'main/build.ts') continue;
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        // One place: a file, for zod the layer of contracts, for commander and electron the layer
        // that is about them.
        const place = layerOf(from) === 'shared' || name === 'commander' || name === 'electron' ? layerOf(from) : from;
        importers.set(name, (importers.get(name) ?? new Set()).add(place));
      }
      return importers;
    };
    const importers = importersOf(imports);
    for (const [name, places] of importers) expect([...places], name).toHaveLength(1);
    expect([...importers.keys()].sort()).toEqual(
      expect.arrayContaining([
        'chokidar',
        'client-zip',
        'commander',
        'electron',
        'execa',
        'fastify',
        'node-llama-cpp',
        'prom-client',
        'systeminformation',
        'undici',
        'yaml',
        'zod',
      ]),
    );
    const planted = importersOf([
      ...importsOf('main/io/http-client.ts', "import { Agent } from 'undici';"),
      ...importsOf('main/client.ts', "import { fetch } from 'undici/lib/fetch.js';"),
      ...importsOf('main/io/images/a.ts', "import { a } from '@jsquash/png/decode.js';"),
      ...importsOf('main/io/images/b.ts', "import { b } from '@jsquash/jpeg/decode.js';"),
      ...importsOf('main/cli/ls.ts', "import { Command } from 'commander';"),
      ...importsOf('main/cli/ps.ts', "import { Command } from 'commander';"),
    ]);
    expect([...planted].map(([name, places]) => [name, places.size])).toEqual([
      ['undici', 2],
      ['@jsquash/png', 1],
      ['@jsquash/jpeg', 1],
      ['commander', 1],
    ]);
  });

  test('the big files stay small', () => {
    const limitOf = (file: string): number => {
      if (/^main\/runtime\/[^/]+\/.*\.(?:ts|py)$/.test(file)) return 150;
      return { 'main/runtime/manager.ts': 360, 'main/engine/engine.ts': 200, 'ARCHITECTURE.md': 150 }[file] ?? Number.POSITIVE_INFINITY;
    };
    // The newline at its end begins no line.
    const tooLong = (file: string, text: string): readonly string[] => {
      const lines = text.replace(/\n$/, '').split('\n').length;
      return lines <= limitOf(file) ? [] : [`${file}: ${lines} lines, and ${limitOf(file)} are the limit`];
    };
    const bound = ['main', 'ARCHITECTURE.md']
      .flatMap((name) =>
        name === 'main' ? readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map((path) => `main/${path}`) : [name],
      )
      .filter((file) => Number.isFinite(limitOf(file)));
    for (const ending of ['/llama/module.ts', '/ray/app/modelium_serve.py', '/manager.ts', '/engine.ts', 'ARCHITECTURE.md'])
      expect(bound.filter((file) => file.endsWith(ending))).toHaveLength(1);
    expect(bound.flatMap((file) => tooLong(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    const planted = [
      ['main/runtime/manager.ts', 361],
      ['main/engine/engine.ts', 201],
      ['ARCHITECTURE.md', 151],
      ['main/runtime/any/deep/plan.ts', 151],
      ['main/runtime/any/app/serve.py', 151],
      ['main/runtime/any/app/serve.py', 150],
      ['main/engine/engine.ts', 200],
    ] as const;
    expect(planted.map(([file, lines]) => tooLong(file, 'x\n'.repeat(lines)).length)).toEqual([1, 1, 1, 1, 1, 0, 0]);
  });

  test('no source has a limit of its own: what raises one is for the tests, bin/ and the list of words', () => {
    const LIMIT = /noExcessive|maxLines/;
    // All words of the window stand in one file so that nobody has to search for them; it holds
    // nothing else.
    const WORDS = 'renderer/texts.ts';
    const raised = (text: string): readonly string[] => {
      const { linter, overrides } = JSON.parse(text) as {
        readonly linter: unknown;
        readonly overrides: readonly { readonly includes: readonly string[] }[];
      };
      return [
        ...[...JSON.stringify(linter).matchAll(/"maxLines":(\d+)/g)].flatMap(([, lines]) =>
          Number(lines) > 300 ? [`${lines} lines`] : [],
        ),
        ...overrides.flatMap((override) =>
          LIMIT.test(JSON.stringify(override))
            ? override.includes.filter((glob) => !/^(?:bin|test)\/\*\*$/.test(glob) && glob !== WORDS)
            : [],
        ),
      ];
    };
    const text = readFileSync(join(root, 'biome.json'), 'utf8');
    expect(raised(text)).toEqual([]);
    expect([...text.matchAll(/"maxLines": (\d+)/g)].map(([, lines]) => Number(lines)).sort()).toEqual([300, 60]);
    const ignoring = /biome-ignore(?:-all)? lint\/[\w/]*noExcessive/;
    expect(files.filter((file) => ignoring.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
    const override = (glob: string) => `{"includes":["test/**","${glob}"],"linter":{"rules":{"style":{"noExcessiveLinesPerFile":"off"}}}}`;
    const planted = ['main/runtime/manager.ts', 'main/**', '**', 'renderer/**', 'bin/**', WORDS].map(
      (glob) => raised(`{"linter":{"maxLines":300},"overrides":[${override(glob)}]}`).length,
    );
    expect(planted).toEqual([1, 1, 1, 1, 0, 0]);
    expect(raised('{"linter":{"maxLines":400},"overrides":[]}')).toHaveLength(1);
    expect(ignoring.test('// biome-ignore lint/style/noExcessiveLinesPerFile: it is long.')).toBe(true);
  });

  test('the words of the window stand in one file', () => {
    // Programs that a person copies are words of no language.
    const PROGRAMS: ReadonlySet<string> = new Set(['renderer/pages/playground/snippets.ts', 'renderer/pages/models/samples.ts']);
    const page = files.filter((file) => file.startsWith('renderer/') && file !== 'renderer/texts.ts' && file !== 'renderer/vite.config.ts');
    expect(page.length).toBeGreaterThan(150);
    expect(page.filter((file) => !PROGRAMS.has(file)).flatMap((file) => wordsIn(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    for (const file of [...PROGRAMS, 'renderer/texts.ts'])
      expect(wordsIn(file, readFileSync(join(root, file), 'utf8')), file).not.toEqual([]);
    const planted = [
      '<p>Copied</p>',
      '<p>{count} of them</p>',
      '<p>{isThere ? "here" : texts.box.away}</p>',
      `<p>{count > 0 && \`, \${count} waiting\`}</p>`,
      '<Button label="close" />',
      "<Page title={isNew ? 'new' : name} />",
      `<img alt={\`picture \${at}\`} />`,
      '<p aria-label="pages" />',
      "const choice = { value: 'all', label: 'all' };",
      "const figures = [['Memory', bytes]];",
      `say(\`\${id} is forgotten\`);`,
      "throw new ModeliumError('not-running', 'The engine does not answer.');",
      "const head = (word = 'the first word') => word;",
    ];
    expect(planted.map((text) => wordsIn('renderer/a.tsx', text).length)).toEqual(planted.map(() => 1));
    const fine = [
      '<p className="wide quiet">{texts.box.title} <code>nvidia-smi</code></p>',
      "<Icon name={isOpen ? 'down' : 'chevron'} />",
      `<li key={\`row \${at}\`}>{at + 1}. {name}</li>`,
      "if (event.key === 'Escape') close();",
      '<TextField placeholder="/data/models/a.gguf" />',
      "throw new Error('index.html has no root');",
      "import { a } from './a file.ts';",
    ];
    expect(fine.flatMap((text) => wordsIn('renderer/a.tsx', text))).toEqual([]);
  });

  test('the build can make a module of each group of words', () => {
    const faults = (text: string): readonly string[] => {
      const groups = [...text.matchAll(/^export const (\w+) = \{\n[\s\S]*?^\};\n/gm)];
      const others = groups.reduce((rest, [group]) => rest.replace(group, ''), text).replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
      // A module has no other's words.
      const borrowed = new RegExp(`\\b(?:${groups.map(([, name]) => name).join('|')})\\.\\w`, 'g');
      return [...(others.trim() === '' ? [] : [others.trim()]), ...groups.flatMap(([group]) => group.match(borrowed) ?? [])];
    };
    expect(faults(readFileSync(join(root, 'renderer/texts.ts'), 'utf8'))).toEqual([]);
    const box = "/** The page Box. */\nexport const box = {\n  title: 'Box',\n};\n";
    const planted = [
      `${box}const plural = (count: number) => count !== 1;\n`,
      `${box}\nexport const logs = {\n  box: box.title,\n};\n`,
      box,
    ];
    expect(planted.map((text) => faults(text).length)).toEqual([1, 1, 0]);
  });

  test('each file that no test is named after says which test guards it, and that test is there', () => {
    const guarded = `core/orchestrator core/registry core/notice/catalog core/notice/settler runtime/manager runtime/process-host runtime/stall-watch
      runtime/waiting-room runtime/sweep runtime/room`;
    const guardOf = (text: string): string | null =>
      /^\/\*\*[\s\S]*?Guarded\s+(?:\*\s+)?by\s+(?:\*\s+)?(test\/[\w/-]+\.test\.ts)\.[\s\S]*?\*\//.exec(text)?.[1] ?? null;
    for (const name of guarded.split(/\s+/)) {
      const guard = guardOf(readFileSync(join(root, `main/${name}.ts`), 'utf8'));
      expect(guard, name).not.toBeNull();
      expect(existsSync(join(root, guard ?? '')), `${name} is guarded by ${guard}`).toBe(true);
    }
    // Wherever else a file names its guard, that one is there too.
    for (const file of files) expect(existsSync(join(root, guardOf(readFileSync(join(root, file), 'utf8')) ?? 'test')), file).toBe(true);
    expect([guardOf('/** A. Guarded by test/core/a.test.ts. */'), guardOf('/** A. */\n// Guarded by test/a.test.ts.')]).toEqual([
      'test/core/a.test.ts',
      null,
    ]);
  });

  test('what calls itself pure keeps no state', () => {
    const impure = (file: string, text: string): readonly string[] => {
      const [head = ''] = /^\/\*\*[\s\S]*?\*\//.exec(text) ?? [];
      const holds =
        /^(?:export )?(?:abstract )?class \w+(?! extends \w*Error)(?!\w)|^let |^const \w+ = new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\);/m;
      return /\bPure\b/.test(head) && holds.test(text.slice(head.length)) ? [file] : [];
    };
    expect(files.flatMap((file) => impure(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    expect(files.filter((file) => /\bPure\b/.test(readFileSync(join(root, file), 'utf8'))).length).toBeGreaterThan(50);
    const planted = ['class A {\n  #at = 0;\n}', 'let last = 0;', 'const known = new Map<string, number>();', 'class No extends Error {}'];
    expect(planted.map((body) => impure('a.ts', `/** Pure. */\n${body}\n`).length)).toEqual([1, 1, 1, 0]);
  });

  test('what is handed in to act is named Ports, and what is known is named Facts', () => {
    // Parts of a whole, as data.
    const data: ReadonlySet<string> = new Set(['MemoryParts', 'EntryParts', 'SequenceParts']);
    const bags = (file: string, text: string): readonly string[] =>
      [...text.matchAll(/^(?:export )?(?:interface|type|class) (\w*(?:World|Parts|Needs|Deps|Bag))\b/gm)].flatMap(([, name = '']) =>
        data.has(name) ? [] : [`${file}: ${name}`],
      );
    expect(files.flatMap((file) => bags(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    const planted = ['export interface RayWorld {', 'interface ListenParts {', 'export type Needs = X;', 'export interface RayPorts {'];
    expect(planted.map((text) => bags('main/a.ts', text).length)).toEqual([1, 1, 1, 0]);
  });

  test('what means the same everywhere is declared once', () => {
    const again = (file: string, text: string): readonly string[] => [
      ...(/^(?:export )?const (?:[A-Z]+_PER_)?(?:MIB|GIB) = /m.test(text) && file !== 'shared/units.ts'
        ? [`${file}: a unit of memory`]
        : []),
      ...(/^(?:export )?const \w+.* = new Set\(\[\s*'analyzed',/m.test(text) && file !== 'shared/model.ts'
        ? [`${file}: servable states`]
        : []),
      ...(/bytesPresent: 0, bytesExpected: null, missing: \[\]/.test(text) && file !== 'shared/model.ts'
        ? [`${file}: nothing copied`]
        : []),
      ...(/\b(?:userInfo\(|homedir\(|setPriority\()/.test(text) && !ASKS_THE_SYSTEM.has(file)
        ? [`${file}: what a system may refuse to say or do`]
        : []),
    ];
    expect(files.flatMap((file) => again(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    const planted = [
      'const GIB = 1024 ** 3;',
      'const BYTES_PER_MIB = 1;',
      "const CAN: X = new Set([\n  'analyzed',",
      'const A = { bytesPresent: 0, bytesExpected: null, missing: [] };',
      'const home = homedir();',
    ];
    expect(planted.map((text) => again('main/a.ts', text).length)).toEqual([1, 1, 1, 1, 1]);
  });

  test('a client that has left is noticed in one way: whoever listens to the end only may come too late', () => {
    const asksFirst = ['main/http/leaving.ts', 'main/embedded/routes/replies.ts', 'main/embedded/routes/answer-stream.ts'];
    const listens = /\bresponse\.(?:on|once)\('close'/;
    const found = files.filter((file) => listens.test(readFileSync(join(root, file), 'utf8')));
    expect(found.filter((file) => file.startsWith('main/')).sort()).toEqual(asksFirst.sort());
  });

  test('the command line prints through one file, which leaves nothing in that a terminal obeys', () => {
    const prints = files.filter((file) => layerOf(file) === 'main/cli' && /\bconsole\./.test(readFileSync(join(root, file), 'utf8')));
    expect(prints).toEqual(['main/cli/output.ts']);
  });

  test('comments end at column 100, and no literal is spread only to keep several items on a line', () => {
    const faults = (text: string): readonly string[] =>
      text.split('\n').filter((line) => {
        const isComment = /^\s*(?:\/\/|\/?\*)/.test(line) && !line.includes('biome-ignore');
        return (isComment && line.length > 100) || /^\s*\.\.\.(?:\[[^\]]*\]|\{[^}]*\}),?$/.test(line);
      });
    expect(files.flatMap((file) => faults(readFileSync(join(root, file), 'utf8')).map((line) => `${file}: ${line}`))).toEqual([]);
    const planted = [`// ${'a'.repeat(98)}`, ` * ${'a'.repeat(98)}`, `  ...['--a', 'b'],`, '  ...{ a: 1, b: 2 }'];
    expect(planted.map((line) => faults(line).length)).toEqual([1, 1, 1, 1]);
    const fine = [`// ${'a'.repeat(97)}`, `const text = '${'a'.repeat(100)}';`, '  ...[a, b].filter(isThere),', '  ...list,'];
    expect(fine.flatMap(faults)).toEqual([]);
  });

  test('every file and folder that ARCHITECTURE.md names exists', () => {
    const namesIn = (text: string) => [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*(?:\.tsx?|\/))`/g)].map((match) => match[1] ?? '');
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const known = ['main', 'shared', 'renderer', 'test']
      .flatMap((room) => [room, ...readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((name) => `${room}/${name}`)])
      .map((path) => `/${path}`);
    expect(namesIn(text).length).toBeGreaterThan(60);
    const missing = (words: string) => namesIn(words).filter((name) => !known.some((path) => path.endsWith(`/${name.replace(/\/$/, '')}`)));
    expect(missing(text)).toEqual([]);
    expect(missing('`core/registry.ts` is there; `core/no-such.ts`, `later.ts` and `no-such-room/` are not.')).toEqual([
      'core/no-such.ts',
      'later.ts',
      'no-such-room/',
    ]);
  });
});
