/**
 * The machines of a remote cluster as cards: what each has, and how much of it is promised. They
 * look different from the devices of this machine, because their memory is not measured: the
 * figures are the cluster's own.
 */
import type { NodeView, RuntimeView } from '../../../shared/snapshot.ts';
import { gibibytes } from '../../../shared/units.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { classes } from '../../ui/classes.ts';
import { Panel } from '../../ui/panel.tsx';
import styles from './cluster-nodes.module.css';

export function ClusterNodes() {
  const runtimes = useWindow((state) => state.snapshot?.runtimes) ?? [];
  return runtimes.filter(({ nodes = [] }) => nodes.length > 0).map((runtime) => <Cluster key={runtime.id} runtime={runtime} />);
}

function Cluster({ runtime: { message, nodes = [] } }: { readonly runtime: RuntimeView }) {
  const alive = nodes.filter(({ isAlive }) => isAlive).length;
  return (
    <Panel className={styles.cluster}>
      <h2>{texts.cluster.title(message.replace(/\.$/, ''))}</h2>
      <p className={styles.sentence}>{texts.cluster.nodesAnswer(alive, nodes.length)}</p>
      <ul className={styles.cards}>
        {nodes.map((node, at) => (
          // Two nodes may share an address.
          // biome-ignore lint/suspicious/noArrayIndexKey: the cluster lists them in its own order.
          <li className={classes(styles.card, !node.isAlive && styles.gone)} key={`${at} ${node.name}`}>
            <Card node={node} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Card({ node: { name, isAlive, gpus, gpuName, usedGpus, cpus, usedCpus, memoryBytes } }: { readonly node: NodeView }) {
  return (
    <>
      <h3>{name}</h3>
      {isAlive ? (
        <dl className={styles.facts}>
          <dt>{texts.common.gpus}</dt>
          <dd>{gpus === 0 ? texts.common.none : texts.cluster.promisedGpus(share(usedGpus), share(gpus), gpuName)}</dd>
          <dt>{texts.cluster.processors}</dt>
          <dd>{texts.cluster.promised(share(usedCpus), share(cpus))}</dd>
          <dt>{texts.common.memory}</dt>
          <dd>{texts.common.sizeInGibibytes(gibibytes(memoryBytes))}</dd>
        </dl>
      ) : (
        <p className={styles.sentence}>{texts.common.doesNotAnswer}</p>
      )}
    </>
  );
}

/** A cluster counts in shares: 0.25 of a GPU. */
function share(count: number): string {
  return String(Math.round(count * 100) / 100);
}
