/** The machines of a Ray cluster, as its dashboard reports them. */
import type { NodeView } from '../../../shared/snapshot.ts';
import { jsonIn } from '../json-in.ts';
import { http, type Steps } from '../step.ts';

/** How long a dashboard may take to answer. */
export const ANSWER_MS = 15_000;
const MOST_NODES = 256;

interface NodeReport {
  readonly node_id?: string;
  readonly node_ip?: string;
  readonly node_name?: string;
  readonly state?: string;
  readonly resources_total?: Readonly<Record<string, number>>;
}
type Usage = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Undefined where the dashboard is too busy to answer. */
export function* nodesOf(control: {
  readonly at: { readonly url: string };
  readonly key: string | null;
}): Steps<readonly NodeView[] | undefined> {
  const asked = { ...control, method: 'GET', body: null, timeoutMs: ANSWER_MS } as const;
  const nodes = yield* http({ ...asked, path: '/api/v0/nodes' });
  const status = yield* http({ ...asked, path: '/api/cluster_status' });
  const all = jsonIn<{ data?: { result?: { result?: readonly NodeReport[] } } }>(nodes?.body)?.data?.result?.result;
  if (all === undefined) return undefined;
  const report = jsonIn<{ data?: { clusterStatus?: { loadMetricsReport?: { usageByNode?: Usage } } } }>(status?.body)?.data?.clusterStatus;
  return all.slice(0, MOST_NODES).map((node) => toView(node, report?.loadMetricsReport?.usageByNode?.[node.node_id ?? ''] ?? {}));
}

function toView({ node_ip = '', state, resources_total: total = {} }: NodeReport, used: Usage[string]): NodeView {
  const accelerator = Object.keys(total).find((name) => name.startsWith('accelerator_type:'));
  return {
    name: node_ip,
    isAlive: state === 'ALIVE',
    cpus: total['CPU'] ?? 0,
    memoryBytes: total['memory'] ?? 0,
    gpus: total['GPU'] ?? 0,
    gpuName: accelerator?.slice('accelerator_type:'.length) ?? null,
    usedGpus: used['GPU']?.[0] ?? 0,
    usedCpus: used['CPU']?.[0] ?? 0,
  };
}
