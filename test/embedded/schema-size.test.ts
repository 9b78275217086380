import { describe, expect, test } from 'vitest';
import { checkSchemaSize } from '../../main/embedded/requests/schema-size.ts';

function check(body: unknown): { refused: string | null; pauses: number } {
  let pauses = 0;
  const pause = (): void => {
    pauses += 1;
  };
  try {
    checkSchemaSize(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), pause);
    return { refused: null, pauses };
  } catch (error) {
    return { refused: (error as Error).message, pauses };
  }
}

const schema = (values: number) => ({
  type: 'json_schema',
  json_schema: { name: 's', schema: { enum: Array.from({ length: values }, (_, index) => `value ${index}`) } },
});

describe('the size of a schema', () => {
  test('too many values are refused by the name of their member, with pauses in the scan', () => {
    const { refused, pauses } = check({ messages: [], response_format: schema(100_000) });
    expect(refused).toContain('"response_format"');
    expect(pauses).toBeGreaterThan(10);
    expect(check({ json_schema: schema(100_000).json_schema.schema }).refused).toContain('"json_schema"');
  });

  test.each([
    ['as many as an enumeration may have', { response_format: schema(10_000) }],
    ['many values elsewhere', { messages: schema(100_000), response_format: { type: 'text' } }],
    ['a schema deep in something else', { metadata: { response_format: schema(100_000) } }],
    ['no object where one should be', { response_format: 'text', json_schema: null }],
    ['no JSON', `{"response_format":${JSON.stringify(schema(100_000))}`],
    ['a list', '[1, 2]'],
  ])('%s: passes', (_what, body) => {
    expect(check(body).refused).toBeNull();
  });
});
