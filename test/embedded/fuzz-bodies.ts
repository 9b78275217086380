/**
 * Bodies of requests made from a seed: valid ones, mutated in their fields, their schemas, their
 * messages, their sizes and their bytes. Pure.
 */

export interface FuzzRequest {
  readonly path: string;
  readonly body: string;
}

/** Numbers from 0 to 1, always the same for a seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;
export const pick = <Item>(next: Random, items: readonly Item[]): Item => items[Math.floor(next() * items.length)]!;
export const times = <Item>(next: Random, most: number, make: () => Item): Item[] =>
  Array.from({ length: Math.floor(next() * (most + 1)) }, make);

export const TEXTS = [
  '',
  ' ',
  'the model',
  '\u0000',
  '\u200b',
  '<|im_start|>',
  '<tool_call>',
  '{{ x }}',
  '{% for',
  'é😀漢',
  '\ud800',
  '"\\',
  '%zz',
  '../',
  'null',
];
const NUMBERS = [0, 1, -1, 2, 3.5, 1e308, -1e308, 1e-9, 2 ** 31, 2 ** 53, 2 ** 64, 1e21, 128, 2000, 100_000];

/** Anything that JSON can say, nested up to `depth`. */
export function value(next: Random, depth: number): unknown {
  const kind = Math.floor(next() * (depth > 0 ? 7 : 5));
  if (kind === 0) return pick(next, [null, true, false]);
  if (kind <= 2) return pick(next, NUMBERS);
  if (kind <= 4) return pick(next, TEXTS);
  if (kind === 5) return times(next, 4, () => value(next, depth - 1));
  return Object.fromEntries(times(next, 4, () => [pick(next, [...TEXTS, ...KEYWORDS, ...FIELDS]), value(next, depth - 1)]));
}

const KEYWORDS =
  `type properties required additionalProperties items prefixItems minItems maxItems uniqueItems enum const anyOf oneOf allOf not $ref $defs
  minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf propertyNames patternProperties minProperties
  maxProperties title description default nullable if then contains`.split(/\s+/);
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null', 'text'];
const PATTERNS = [
  '^a+$',
  '(a|b)*a(a|b){12}',
  '^[^"]{2,9}$',
  '\\bx',
  '(?=a)',
  '[',
  '^(a+)+$',
  '.',
  '\\p{L}',
  '^\\d{3}-\\w*$',
  '(((((a)))))*',
];
const REFERENCES = ['#', '#/$defs/a', '#/$defs/b', '#/%zz', '#/none', 'https://example.org', '#/properties/a', '#/$defs/a/items'];

function schema(next: Random, depth: number): unknown {
  if (next() < 0.05) return value(next, 2);
  const inner = () => (depth > 0 ? schema(next, depth - 1) : pick(next, [true, false, {}, { type: 'null' }]));
  const named = () => Object.fromEntries(times(next, 3, () => [pick(next, ['a', 'b', 'c d', '"', '']), inner()]));
  const made: Record<string, unknown> = next() < 0.7 ? { type: pick(next, TYPES) } : {};
  for (let count = Math.floor(next() * 4); count > 0; count--) {
    const keyword = pick(next, KEYWORDS);
    if (['properties', '$defs', 'patternProperties'].includes(keyword)) made[keyword] = named();
    else if (['anyOf', 'oneOf', 'allOf', 'prefixItems'].includes(keyword)) made[keyword] = times(next, 3, inner);
    else if (['items', 'additionalProperties', 'not', 'propertyNames', 'contains', 'if', 'then'].includes(keyword)) made[keyword] = inner();
    else if (keyword === 'required') made[keyword] = times(next, 3, () => pick(next, ['a', 'b', 'z']));
    else if (keyword === 'enum')
      made[keyword] = times(next, next() < 0.05 ? 3000 : 5, () => (next() < 0.5 ? Math.floor(next() * 1e6) : value(next, 1)));
    else if (keyword === 'pattern') made[keyword] = pick(next, PATTERNS);
    else if (keyword === '$ref') made[keyword] = pick(next, REFERENCES);
    else if (keyword === 'format') made[keyword] = pick(next, ['date', 'email', 'uri', 'ipv6', 'color', 'hostname', 'duration']);
    else made[keyword] = next() < 0.8 ? pick(next, NUMBERS) : value(next, 1);
  }
  return made;
}

/** Each definition holds the next one twice, in one way or another, many times over. */
function doubled(next: Random): unknown {
  const ways: readonly ((ref: object) => object)[] = [
    (ref) => ({ anyOf: [ref, { anyOf: [ref, { type: 'null' }] }] }),
    (ref) => ({
      anyOf: [
        { type: 'array', items: ref },
        { type: 'array', prefixItems: [ref, { type: 'null' }] },
      ],
    }),
    (ref) => ({ allOf: [ref, ref] }),
    (ref) => ({ type: 'object', properties: { a: ref, b: ref } }),
    (ref) => ({ type: 'array', items: ref, prefixItems: [ref, ref] }),
  ];
  const depth = Math.floor(next() * 40);
  const definitions = Array.from({ length: depth + 1 }, (_, at) => {
    // The last one may begin anew.
    const ref = { $ref: `#/$defs/d${at < depth ? at + 1 : 0}` };
    return [`d${at}`, at < depth || next() < 0.3 ? pick(next, ways)(ref) : { type: pick(next, TYPES) }];
  });
  return { $ref: '#/$defs/d0', $defs: Object.fromEntries(definitions) };
}

const FIELDS =
  `model max_tokens max_completion_tokens n_predict temperature top_p top_k min_p seed frequency_penalty presence_penalty repeat_penalty stop
  stream stream_options n logprobs top_logprobs logit_bias json_schema response_format cache_prompt context_shift return_progress grammar
  timings_per_token user metadata echo suffix best_of messages prompt tools tool_choice parallel_tool_calls chat_template_kwargs reasoning_effort
  continue_final_message add_generation_prompt keep_alive think input encoding_format dimensions query documents texts`.split(/\s+/);
const GRAMMARS = [
  'root ::= "a"',
  'root ::= root',
  'root ::= [',
  'root ::= ("a" | "b"){1,9}',
  'x',
  `root ::= ${'('.repeat(300)}`,
  'root ::= ("a"?)*',
  'root ::= "a" root "b" | "a" root "c"',
  `root ::= a0\n${Array.from({ length: 30 }, (_, at) => `a${at} ::= a${at + 1} a${at + 1}`).join('\n')}\na30 ::= "a"?`,
  `root ::= a0\n${Array.from({ length: 30 }, (_, at) => `a${at} ::= a${at + 1} | a${at + 1} "b"`).join('\n')}\na30 ::= "a"`,
  '',
];

function message(next: Random): unknown {
  const made: Record<string, unknown> = {
    role: pick(next, ['user', 'assistant', 'system', 'tool', 'developer', 'other']),
    content: pick(next, TEXTS),
  };
  if (next() < 0.1) made['content'] = [{ type: pick(next, ['text', 'image_url', 'x']), text: pick(next, TEXTS) }, value(next, 1)];
  if (next() < 0.1)
    made['tool_calls'] = [
      { id: 'a', type: 'function', function: { name: 'f', arguments: pick(next, ['{}', '{', 'null', '[1]']) } },
      value(next, 1),
    ];
  if (next() < 0.05) made[pick(next, ['role', 'content', 'tool_calls', 'name', 'reasoning_content'])] = value(next, 2);
  return made;
}

function tool(next: Random): unknown {
  return {
    type: 'function',
    function: { name: pick(next, ['f', 'g', 'a b']), strict: next() < 0.5, parameters: next() < 0.3 ? undefined : schema(next, 2) },
  };
}

/** A value such as the field takes, or nearly. */
export function special(next: Random, field: string): unknown {
  switch (field) {
    case 'response_format':
      return {
        type: pick(next, ['json_schema', 'json_object', 'text', 'x']),
        json_schema: { name: 'x', schema: schema(next, 3) },
        schema: schema(next, 2),
      };
    case 'json_schema':
      return next() < 0.1 ? doubled(next) : schema(next, 4);
    case 'grammar':
      return pick(next, GRAMMARS);
    case 'tools':
      return times(next, 3, () => tool(next));
    case 'tool_choice':
      return pick(next, ['auto', 'none', 'required', { type: 'function', function: { name: 'f' } }]);
    case 'messages':
      return times(next, 6, () => message(next));
    case 'logit_bias':
      return pick(next, [{ 5: 1 }, { the: -100 }, [['a', false]], [[5, 1]], { 999999: 1 }, [5]]);
    case 'stop':
      return times(next, 3, () => pick(next, TEXTS));
    case 'chat_template_kwargs':
      return Object.fromEntries(times(next, 3, () => [pick(next, ['messages', 'tools', 'enable_thinking', 'x']), value(next, 2)]));
    default:
      return value(next, 2);
  }
}

/** Sizes: mostly small; now and then a text, a list or a nesting that is none. */
function enlarged(next: Random, body: Record<string, unknown>, isLarge: boolean): string {
  const written = JSON.stringify(body);
  if (!isLarge) return written;
  const field = pick(next, ['prompt', 'messages', 'input', 'suffix', 'metadata', 'json_schema', 'tools', 'stop']);
  const large = pick(next, [
    () => JSON.stringify(pick(next, ['a', ' ', '\u0000', 'word ', '1']).repeat(200_000)),
    () => `[${'{},'.repeat(30_000)}{}]`,
    () => `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    () => JSON.stringify([{ role: 'user', content: 'the '.repeat(50_000) }]),
    () => JSON.stringify({ enum: Array.from({ length: 20_000 }, (_, at) => `value ${at}`) }),
  ])();
  return `${written.slice(0, -1)},"${field}":${large}}`;
}

/** Bytes that are changed, lost or doubled. */
export function broken(next: Random, body: string): string {
  const at = Math.floor(next() * body.length);
  return pick(next, [
    body.slice(0, at),
    `${body.slice(0, at)}${pick(next, TEXTS)}${body.slice(at + 1)}`,
    `\ufeff${body}`,
    `${body}${body}`,
    `[${body}]`,
  ]);
}

export const ROUTES = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/rerank'] as const;

/** @param seed the whole run's. @param index of the case in it. */
export function fuzzRequest(seed: number, index: number): FuzzRequest {
  const next = random(seed + Math.imul(index + 1, 0x9e3779b1));
  const path = pick(next, [ROUTES[0], ROUTES[0], ROUTES[0], ROUTES[1], ROUTES[1], ROUTES[2], ROUTES[3]]);
  const body: Record<string, unknown> = {
    '/v1/chat/completions': { messages: [{ role: 'user', content: pick(next, TEXTS) }], max_tokens: 3 },
    '/v1/completions': { prompt: pick(next, TEXTS), max_tokens: 3 },
    '/v1/embeddings': { input: next() < 0.5 ? pick(next, TEXTS) : times(next, 5, () => pick(next, TEXTS)) },
    '/v1/rerank': { query: 'the', documents: times(next, 4, () => pick(next, TEXTS)) },
  }[path];
  for (let count = Math.floor(next() * 4); count > 0; count--) {
    const field = pick(next, FIELDS);
    body[field] = special(next, field);
  }
  // What is not about the length itself stays short.
  if (next() < 0.9 && (path === '/v1/chat/completions' || path === '/v1/completions')) {
    body['max_tokens'] = 3;
    delete body['max_completion_tokens'];
    if (typeof body['n'] === 'number' && body['n'] > 4) body['n'] = 4;
  }
  const written = enlarged(next, body, next() < 1 / 300);
  return { path, body: next() < 0.08 ? broken(next, written) : written };
}
