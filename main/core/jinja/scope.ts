/**
 * The scopes of variable names: an inner scope sees the names of the outer ones, and sets its own.
 * No I/O.
 */
import { Undefined, type Value } from './values.ts';

export class Scope {
  readonly #around: Scope | null;
  readonly #values = new Map<string, Value>();

  constructor(around: Scope | null) {
    this.#around = around;
  }

  get(name: string): Value {
    for (let scope: Scope | null = this; scope !== null; scope = scope.#around) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(`'${name}' is undefined`);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
