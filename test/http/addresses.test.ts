import { expect, test } from 'vitest';
import { absoluteTarget, meantPath } from '../../main/http/addresses.ts';

test.each<[string, string | null]>([
  ['/v1/chat/completions/', '/v1/chat/completions'],
  ['//v1//chat///completions//', '/v1/chat/completions'],
  ['/chat/completions', '/v1/chat/completions'],
  ['/completions', '/v1/completions'],
  ['/embeddings', '/v1/embeddings'],
  ['/rerank/', '/v1/rerank'],
  ['/v1/v1/completions', '/v1/completions'],
  ['/api/v1/chat/completions', '/v1/chat/completions'],
  ['/openai/v1/chat/completions', '/v1/chat/completions'],
  ['/V1/CHAT/completions', '/v1/chat/completions'],
  ['/audio/transcriptions', '/v1/audio/transcriptions'],
  ['/v1/tokenize', '/tokenize'],
  ['/v1/detokenize', '/detokenize'],
  // Modelium's own list of models without a /v1, OpenAI's with one.
  ['/models/', '/models'],
  ['/v1/models/', '/v1/models'],
  ['/api/v1/models', '/v1/models'],
  ['/models/owner/tiny', '/v1/models/owner/tiny'],
  ['//predict/Tiny', '/predict/Tiny'],
  ['/PREDICT/a:b', '/predict/a:b'],
  // Nothing is guessed beyond that, nothing of the control, and nothing that only a runtime has.
  ['/', null],
  ['/v1', null],
  ['/v1/', null],
  ['/v1/chat', null],
  ['/v2/chat/completions', null],
  ['/foo/chat/completions', null],
  ['/v1/chat/completions/foo', null],
  ['/v1/control/snapshot', null],
  ['//control/snapshot', null],
  ['/v1/sleep', null],
  ['/v1/../sleep', null],
  ['/v1/models/tiny/load', null],
  ['/predict/', null],
])('%s means %s', (path, meant) => {
  expect(meantPath(path)).toBe(meant);
});

test.each<[string, ReturnType<typeof absoluteTarget>]>([
  ['http://localhost:8000/v1/models?x=1', { host: 'localhost:8000', target: '/v1/models?x=1' }],
  ['HTTPS://[::1]:8000/a#b', { host: '[::1]:8000', target: '/a' }],
  ['http://localhost', { host: 'localhost', target: '/' }],
  ['http://localhost?x=1', { host: 'localhost', target: '/?x=1' }],
  ['http://a@b/c', { host: 'a@b', target: '/c' }],
  ['ftp://localhost/x', null],
  ['*', null],
  ['localhost:8000', null],
])('the target %s', (target, parts) => {
  expect(absoluteTarget(target)).toEqual(parts);
});
