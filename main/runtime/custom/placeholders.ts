/**
 * Fills in the placeholders (`{port}` ...) in the command of a custom server, and reports wrong
 * uses of them. Pure.
 */
import { nearestNames } from '../../../shared/nearest.ts';
import type { OwnRuntime } from '../../../shared/settings.ts';

export type Values = Readonly<Record<string, string>>;

/** Known when a launch is planned, so that another value makes another plan. */
const OF_PLANS = ['context', 'gpus', 'cpu_threads'] as const;
/** Known when it is started. */
const OF_LAUNCHES = ['port', 'model', 'name', 'key'] as const;
const OF_ARGS: readonly string[] = [...OF_LAUNCHES, ...OF_PLANS];
const OF_NAMES: readonly string[] = ['model', 'name'];

/** Braces around anything but a lone word, such as those of JSON, are no placeholder. */
const PLACEHOLDER = /\{\{([a-z_]+)\}\}|\{([a-z_]+)\}/g;

/** Those of `values` filled in; others stay, for a later turn. */
export function filled(text: string, values: Values): string {
  return text.replace(PLACEHOLDER, (whole, _literal, name: string | undefined) => valueAt(values, name) ?? whole);
}

/** The last turn: what stands in two pairs of braces stays in one. */
export function launched(text: string, values: Values): string {
  return text.replace(PLACEHOLDER, (whole, literal: string | undefined, name: string | undefined) =>
    name === undefined ? `{${literal}}` : (valueAt(values, name) ?? whole),
  );
}

function valueAt(values: Values, name: string | undefined): string | undefined {
  return name !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}

export function holds(texts: readonly string[], wanted: string): boolean {
  return texts.some((text) => namesIn(text).includes(wanted));
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([, , name]) => name ?? []);
}

/** What is wrong, in sentences. @param at the key of the settings: `runtimes.mine`. */
export function placeholderProblems(at: string, { args, env, model_name }: OwnRuntime): readonly string[] {
  const variables = Object.values(env);
  return [
    ...unknown(`${at}.args`, args, OF_ARGS),
    ...unknown(`${at}.env`, variables, OF_ARGS),
    ...unknown(`${at}.model_name`, [model_name], OF_NAMES),
    ...(holds([...args, ...variables], 'port')
      ? []
      : [`${at}: neither args nor env contains {port}, so the server would not know its port: ${portHint([...args, ...variables])}.`]),
    ...(holds(args, 'key')
      ? [`${at}.args: {key} belongs in env, because everybody on this machine can read the arguments of a program.`]
      : []),
    ...(env['CUDA_VISIBLE_DEVICES'] === undefined
      ? []
      : [
          `${at}.env: Modelium itself sets CUDA_VISIBLE_DEVICES, to the GPUs that it chose: take it out, and name GPUs by models.NAME.gpus.`,
        ]),
  ];
}

/** As shells and llama-swap write it, which nobody fills in here. */
const PORT_OF_OTHERS = /\$\{?PORT\b\}?|\{PORT\}/;

function portHint(texts: readonly string[]): string {
  const [found] = texts.flatMap((text) => PORT_OF_OTHERS.exec(text) ?? []);
  return found === undefined ? 'add it, such as "--port", "{port}"' : `write {port} in place of ${found}, which is not filled in`;
}

function unknown(at: string, texts: readonly string[], known: readonly string[]): readonly string[] {
  const wrong = new Set(texts.flatMap(namesIn).filter((name) => !known.includes(name)));
  return [...wrong].map((name) => {
    const [nearest] = nearestNames(name, known, 1);
    const hint = nearest === undefined ? `known here: ${known.map((one) => `{${one}}`).join(', ')}` : `did you mean {${nearest}}?`;
    return `${at}: {${name}} is not a placeholder; ${hint}${hint.endsWith('?') ? '' : '.'} Literal braces are doubled: {{${name}}}.`;
  });
}
