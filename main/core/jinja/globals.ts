/** The functions that templates call by name. Pure; the time of day is handed in. */
import { bind, stringOf, wholeOf } from './args.ts';
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { strftime } from './strftime.ts';
import { textOf } from './text.ts';
import { type Args, Callable, Dict, iterate, Namespace, Range, type Value } from './values.ts';

/** jinja2's own bound for sandboxed templates. */
const LONGEST_RANGE = 100_000;

function range(args: Args): Range {
  const [first, second, third] = bind('range', args, ['start', 'stop', 'step'], 1);
  const step = wholeOf(third, 1);
  if (step === 0) throw new TemplateError('range() arg 3 must not be zero');
  const made = second === undefined ? new Range(0, wholeOf(first, 0), step) : new Range(wholeOf(first, 0), wholeOf(second, 0), step);
  if (made.length > LONGEST_RANGE)
    throw new TemplateError(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${LONGEST_RANGE}).`);
  return made;
}

function pairsOf({ positional, named }: Args): Iterable<readonly [Value, Value]> {
  const pairs: (readonly [Value, Value])[] = [];
  for (const given of positional) {
    if (given instanceof Dict) pairs.push(...given.entries());
    else for (const pair of iterate(given)) pairs.push([...iterate(pair)] as unknown as readonly [Value, Value]);
  }
  return [...pairs, ...named];
}

function namespace(args: Args): Namespace {
  const made = new Namespace();
  for (const [name, value] of pairsOf(args)) made.values.set(stringOf(name), value);
  return made;
}

/** `{% set c = cycler('a', 'b') %}{{ c.next() }}`. */
function cycler({ positional }: Args): Namespace {
  let at = 0;
  const made = new Namespace();
  const current = () => positional[at % positional.length] ?? null;
  const show = () => made.values.set('current', current());
  made.values.set(
    'next',
    new Callable('next', () => {
      const value = current();
      at += 1;
      show();
      return value;
    }),
  );
  made.values.set(
    'reset',
    new Callable('reset', () => {
      at = 0;
      show();
      return null;
    }),
  );
  show();
  return made;
}

function joiner(args: Args): Callable {
  const between = bind('joiner', args, ['sep'])[0] ?? ', ';
  let isUsed = false;
  return new Callable('joiner', () => {
    if (isUsed) return between;
    isUsed = true;
    return '';
  });
}

export function globals(budget: Budget, now: () => Date): ReadonlyMap<string, Value> {
  const functions: Readonly<Record<string, (args: Args) => Value>> = {
    range,
    dict: (args) => new Dict(pairsOf(args)),
    namespace,
    cycler,
    joiner,
    raise_exception(args) {
      throw new TemplateError(textOf(bind('raise_exception', args, ['message'], 1)[0] as Value, budget));
    },
    strftime_now: (args) => strftime(stringOf(bind('strftime_now', args, ['format'], 1)[0]), now()),
  };
  return new Map(Object.entries(functions).map(([name, call]) => [name, new Callable(name, call)]));
}
