/** A Ray cluster of somebody else: the fake program of the fixtures, on ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../embedded/start-server.ts';

const PROGRAM = join(import.meta.dirname, '../fixtures/fake-ray/program.ts');

export interface FakeCluster {
  readonly token: string;
  /**
   * `ray_serve` of the settings, with the token in the file `token` beside them; the cluster is
   * said to see none of our folders.
   */
  readonly settings: object;
  /** As they were put there. */
  applications(): Promise<readonly { readonly name: string; readonly args: { readonly source: object } }[]>;
  stop(): void;
}

export async function startFakeCluster(): Promise<FakeCluster> {
  const [dashboard, serve, token] = [await freePort(), await freePort(), 'secret'];
  const env = { ...process.env, RAY_AUTH_TOKEN: token };
  const stdio = ['ignore', 'ignore', 'pipe'] as const;
  const cluster: ChildProcess = spawn(process.execPath, [PROGRAM, '--dashboard-port', String(dashboard)], { env, stdio: [...stdio] });
  await once(cluster.stderr as NodeJS.ReadableStream, 'data');
  const url = `http://127.0.0.1:${dashboard}`;
  return {
    token,
    settings: { url, token_file: 'token', http_port: serve, path_map: { '/nowhere': '/nowhere' } },
    async applications() {
      const answer = await fetch(`${url}/api/serve/applications/`, { headers: { authorization: `Bearer ${token}` } });
      const { applications } = (await answer.json()) as { applications: Record<string, { deployed_app_config: never }> };
      return Object.values(applications).map(({ deployed_app_config }) => deployed_app_config);
    },
    stop: () => void cluster.kill(),
  };
}
