/** What sentences that everybody may read say of a command. */
import { expect, test } from 'vitest';
import { isSecretName, programName } from '../../shared/redact.ts';

test.each([
  ['/opt/tools/server', '/opt/tools/server'],
  ['/opt/my tools/server', '/opt/my tools/server'],
  ['/opt/server --api-key hunter2', '/opt/server ...'],
  ['python -m vllm', 'python ...'],
  ['env HF_TOKEN=hunter2 vllm', 'env ...'],
  ['HF_TOKEN=hunter2 vllm', '...'],
  ['my-server', 'my-server'],
])('%s is named as %s', (command, name) => {
  expect(programName(command)).toBe(name);
});

test('a passphrase and a personal access token are secrets by their names', () => {
  for (const name of ['PASSPHRASE', 'SSH_PASSPHRASE', 'MY_PAT', '--github-pat']) expect(isSecretName(name), name).toBe(true);
  for (const name of ['PATH', 'COMPAT', '--chat-format']) expect(isSecretName(name), name).toBe(false);
});
