/** How a program asks a model, as text to paste: for a shell and for Python. Pure. */
import { predictPath } from '../../../shared/api-predict.ts';
import type { ModelKind } from '../../../shared/profile.ts';
import { shellQuoted } from '../../components/shell-quoted.ts';

/** What a first request of this kind says; null: its form depends on the model (tensors). */
function bodyOf(kind: ModelKind): Readonly<Record<string, unknown>> | null {
  switch (kind) {
    case 'chat':
    case 'vision-language':
      return { messages: [{ role: 'user', content: 'Hello' }] };
    case 'embedding':
    case 'classifier':
      return { input: ['Hello'] };
    case 'completion':
      return { prompt: 'Once upon a time' };
    default:
      return null;
  }
}

export interface Samples {
  readonly curl: string;
  readonly python: string;
}

/**
 * @param address of the engine: `http://127.0.0.1:8000`. Null: no request of this kind is the same
 * for every model.
 */
export function samplesOf(address: string, modelId: string, kind: ModelKind): Samples | null {
  const body = bodyOf(kind);
  if (body === null) return null;
  const url = `${address}${predictPath(modelId)}`;
  const json = JSON.stringify(body);
  return { curl: `curl ${shellQuoted(url)} -d ${shellQuoted(json)}`, python: pythonOf(address, modelId, kind, url, json) };
}

/** Through the client that most programs have already, where it has a call for this kind. */
function pythonOf(address: string, modelId: string, kind: ModelKind, url: string, json: string): string {
  const client = ['from openai import OpenAI', '', `client = OpenAI(base_url="${address}/v1", api_key="none")`];
  if (kind === 'chat' || kind === 'vision-language') {
    return [
      ...client,
      `answer = client.chat.completions.create(model=${JSON.stringify(modelId)}, messages=[{"role": "user", "content": "Hello"}])`,
      'print(answer.choices[0].message.content)',
    ].join('\n');
  }
  if (kind === 'embedding') {
    return [
      ...client,
      `answer = client.embeddings.create(model=${JSON.stringify(modelId)}, input=["Hello"])`,
      'print(answer.data[0].embedding)',
    ].join('\n');
  }
  return [
    'import json, urllib.request',
    '',
    `request = urllib.request.Request(${JSON.stringify(url)}, data=json.dumps(${json}).encode())`,
    'print(json.load(urllib.request.urlopen(request)))',
  ].join('\n');
}
