/**
 * Methods that change a list or a dictionary in place, for templates that were written for engines
 * without a sandbox. Pure.
 */
import { bind, wholeOf } from './args.ts';
import type { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { type Args, Dict, iterate, List, orElse, type Value } from './values.ts';

/** Null: no such method. */
export function changeOf(value: Dict | List, name: string, budget: Budget): ((args: Args) => Value) | null {
  return value instanceof List ? listChange(value, name, budget) : dictChange(value, name);
}

function listChange({ items }: List, name: string, budget: Budget): ((args: Args) => Value) | null {
  switch (name) {
    case 'append':
      return (args) => {
        budget.spend();
        items.push(bind(name, args, ['object'], 1)[0] as Value);
        return null;
      };
    case 'extend':
      return (args) => {
        const more = [...iterate(bind(name, args, ['iterable'], 1)[0] as Value)];
        budget.spend(more.length);
        for (const item of more) items.push(item);
        return null;
      };
    case 'insert':
      return (args) => {
        const [index, item] = bind(name, args, ['index', 'object'], 2);
        budget.spend(items.length);
        items.splice(wholeOf(index, 0), 0, item as Value);
        return null;
      };
    case 'pop':
      return (args) => {
        budget.spend(items.length);
        const [item] = items.splice(wholeOf(bind(name, args, ['index'])[0], -1), 1);
        if (item === undefined) throw new TemplateError('pop index out of range');
        return item;
      };
    default:
      return null;
  }
}

function dictChange(dict: Dict, name: string): ((args: Args) => Value) | null {
  switch (name) {
    case 'update':
      return ({ positional, named }) => {
        for (const given of positional) if (given instanceof Dict) for (const [key, value] of [...given.entries()]) dict.set(key, value);
        for (const [key, value] of named) dict.set(key, value);
        return null;
      };
    case 'setdefault':
      return (args) => {
        const [key, fallback] = bind(name, args, ['key', 'default'], 1);
        if (!dict.has(key as Value)) dict.set(key as Value, orElse(fallback, null));
        return orElse(dict.get(key as Value), null);
      };
    case 'pop':
      return (args) => {
        const [key, fallback] = bind(name, args, ['key', 'default'], 1);
        const value = orElse(dict.get(key as Value), fallback);
        if (value === undefined) throw new TemplateError(`'${String(key)}'`);
        dict.delete(key as Value);
        return value;
      };
    default:
      return null;
  }
}
