/** What a template consists of, once it is parsed. Types only. */

interface At {
  readonly line: number;
}

export interface Call {
  readonly args: readonly Expression[];
  readonly named: readonly { readonly name: string; readonly value: Expression }[];
  /** `*list` and `**dict`. */
  readonly rest: Expression | null;
  readonly namedRest: Expression | null;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export type Expression = At &
  (
    | { readonly kind: 'constant'; readonly value: string | bigint | number | boolean | null }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'list' | 'tuple' | 'concat'; readonly items: readonly Expression[] }
    | { readonly kind: 'dict'; readonly pairs: readonly (readonly [Expression, Expression])[] }
    | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
    | { readonly kind: 'item'; readonly of: Expression; readonly key: Expression }
    | { readonly kind: 'slice'; readonly start: Expression | null; readonly stop: Expression | null; readonly step: Expression | null }
    | { readonly kind: 'call'; readonly callee: Expression; readonly call: Call }
    | { readonly kind: 'filter' | 'test'; readonly of: Expression | null; readonly name: string; readonly call: Call }
    | { readonly kind: 'negative' | 'positive' | 'not'; readonly of: Expression }
    | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
    | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
    | {
        readonly kind: 'compare';
        readonly left: Expression;
        readonly rest: readonly { readonly operator: CompareOperator; readonly right: Expression }[];
      }
    | { readonly kind: 'if'; readonly test: Expression; readonly then: Expression; readonly otherwise: Expression | null }
  );

/** Where a value goes: a name, an attribute of a namespace, or several of these. */
export type Target = At &
  (
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'namespace'; readonly name: string; readonly attribute: string }
    | { readonly kind: 'tuple'; readonly items: readonly Target[] }
  );

export type Body = readonly Statement[];

export interface Parameter {
  readonly name: string;
  readonly fallback: Expression | null;
}

export type Statement = At &
  (
    | { readonly kind: 'data'; readonly text: string }
    | { readonly kind: 'print'; readonly value: Expression }
    | { readonly kind: 'if'; readonly branches: readonly { readonly test: Expression; readonly body: Body }[]; readonly otherwise: Body }
    | {
        readonly kind: 'for';
        readonly target: Target;
        readonly over: Expression;
        readonly only: Expression | null;
        readonly isRecursive: boolean;
        readonly body: Body;
        readonly otherwise: Body;
      }
    | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
    | { readonly kind: 'set-block'; readonly target: Target; readonly filter: Expression | null; readonly body: Body }
    | { readonly kind: 'macro'; readonly name: string; readonly parameters: readonly Parameter[]; readonly body: Body }
    | { readonly kind: 'call'; readonly call: Expression; readonly parameters: readonly Parameter[]; readonly body: Body }
    | { readonly kind: 'filter'; readonly filter: Expression; readonly body: Body }
    | { readonly kind: 'with'; readonly values: readonly { readonly target: Target; readonly value: Expression }[]; readonly body: Body }
    /** A block of its own that changes nothing here: `block`, `generation`, `autoescape`. */
    | { readonly kind: 'scope'; readonly body: Body }
    | { readonly kind: 'break' | 'continue' }
  );
