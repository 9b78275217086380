/** Generates /openapi.json from the contract, so that it always matches the server. */
import { z } from 'zod';
import { API, type Contract } from './api.ts';

/** What goes to a model's own server as it is: any method of these, any path, any body. */
export const AS_IT_IS = '/upstream/';
export const AS_IT_IS_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const ERROR_SCHEMA = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    code: z.string(),
    param: z.string().nullable(),
    origin: z.string().describe('`modelium`, or the id of the runtime at fault'),
    hint: z.string().optional(),
    last_words: z.array(z.string()).optional(),
  }),
});

/** An OpenAPI 3.1 document of every route. */
export function openApiDocument(version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, contract] of Object.entries<Contract>(API)) {
    const operations = paths[contract.path] ?? {};
    operations[contract.method.toLowerCase()] = operation(operationId, contract);
    paths[contract.path] = operations;
  }
  paths[`${AS_IT_IS}{model}/{path}`] = Object.fromEntries(AS_IT_IS_METHODS.map((method) => [method.toLowerCase(), passed(method)]));
  return {
    openapi: '3.1.0',
    info: { title: 'Modelium', version, description: 'Serves the models that were dropped, by the right runtime, on the right GPU.' },
    components: { securitySchemes: { controlToken: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

function operation(operationId: string, contract: Contract): Readonly<Record<string, unknown>> {
  const parameters = [...pathParameters(contract.path), ...queryParameters(contract)];
  return {
    operationId,
    summary: contract.summary,
    ...(contract.access === 'token' ? { security: [{ controlToken: [] }] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(contract.takesFile === true
      ? { requestBody: { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } } }
      : {}),
    ...(contract.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: z.toJSONSchema(contract.body, { io: 'input' }) } } } }),
    responses: {
      200: { description: 'The answer.', content: answerContent(contract) },
      default: { description: 'An error.', content: { 'application/json': { schema: z.toJSONSchema(ERROR_SCHEMA) } } },
    },
  };
}

function passed(method: string): Readonly<Record<string, unknown>> {
  return {
    operationId: `upstream${method.charAt(0)}${method.slice(1).toLowerCase()}`,
    summary:
      "Passes the request to the model's own server, and its answer back, unchanged, if that server has routes of its own; {path} may contain slashes.",
    parameters: pathParameters('{model}{path}'),
    ...(method === 'GET' || method === 'HEAD' || method === 'DELETE' ? {} : { requestBody: { content: { '*/*': {} } } }),
    responses: { default: { description: "The server's own answer." } },
  };
}

function answerContent(contract: Contract): Readonly<Record<string, unknown>> {
  if (typeof contract.answer === 'string') return { [contract.answer]: { schema: { type: 'string' } } };
  return {
    'application/json': { schema: z.toJSONSchema(contract.answer) },
    ...(contract.streams === true ? { 'text/event-stream': { schema: { type: 'string' } } } : {}),
  };
}

function pathParameters(path: string): readonly unknown[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(contract: Contract): readonly unknown[] {
  if (contract.query === undefined) return [];
  const { properties } = z.toJSONSchema(contract.query, { io: 'input' });
  return Object.entries(properties ?? {}).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}
