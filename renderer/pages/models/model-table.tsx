/** The table of models. A row is drawn again only when its own model changed. */
import { memo } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { mainDevices, useDeviceNames } from '../../components/device-name.ts';
import { ModelActions } from '../../components/model-actions.tsx';
import { StateChip } from '../../components/state-chip.tsx';
import { address } from '../../route.ts';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icon.tsx';
import styles from './model-table.module.css';
import { isWordy, memoryOf, profileInWords } from './model-words.ts';

export function ModelTable({ models }: { readonly models: readonly ModelView[] }) {
  if (models.length === 0) return null;
  return (
    <div className={styles.frame}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th className={styles.state} scope="col">
              State
            </th>
            <th className={styles.optional} scope="col">
              Runs on
            </th>
            <th className={classes(styles.optional, styles.right)} scope="col">
              Memory
            </th>
            <th className={classes(styles.optional, styles.right)} scope="col">
              Requests
            </th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <Row key={model.id} model={model} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Row = memo(function Row({ model }: { readonly model: ModelView }) {
  const nameOf = useDeviceNames();
  const memory = memoryOf(model);
  const where = model.remote ?? mainDevices(model.devices).map(nameOf).join(' + ');
  return (
    <tr className={styles.row}>
      <th className={styles.model} scope="row">
        <a className={styles.name} href={address('models', model.id)}>
          {model.id}
        </a>
        {model.remote !== undefined && (
          <span className={styles.remote} title={`Runs at ${model.remote}`}>
            remote
          </span>
        )}
        {model.pinned && (
          <span className={styles.pin} title="Pinned: only a person unloads it">
            <Icon name="pin" size={13} />
            <span className="visually-hidden">pinned</span>
          </span>
        )}
        <p className={styles.facts}>{profileInWords(model.profile)}</p>
        {isWordy(model) && (
          <p className={classes(styles.message, model.state === 'failed' && styles.failed)} title={model.message}>
            {model.headline}
          </p>
        )}
      </th>
      <td className={styles.state}>
        <StateChip model={model} />
      </td>
      <td className={styles.optional}>{model.runtime === null ? '' : `${model.runtime} · ${where}`}</td>
      <td className={classes(styles.optional, styles.right)}>
        {memory === null ? '' : `${memory.measured ? '' : 'about '}${bytesInWords(memory.bytes)}`}
      </td>
      <td className={classes(styles.optional, styles.right)}>{requestsOf(model)}</td>
      <td className={styles.actions}>
        <ModelActions model={model} />
      </td>
    </tr>
  );
});

function requestsOf({ inFlight, waiting, queriesPerSecond }: ModelView): string {
  const parts = [
    ...(inFlight > 0 ? [`${inFlight} running`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(queriesPerSecond > 0 ? [`${queriesPerSecond.toFixed(2)}/s`] : []),
  ];
  return parts.join(' · ');
}
