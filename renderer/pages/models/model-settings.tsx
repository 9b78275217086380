/**
 * The values in force for one model and where each comes from: the settings, the model itself, or a
 * default.
 */
import type { Settings } from '../../../shared/settings.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { pin } from '../../actions.ts';
import { useDeviceNames } from '../../components/device-name.ts';
import { address } from '../../route.ts';
import * as texts from '../../texts.ts';
import { SwitchField } from '../../ui/fields.tsx';
import { Note } from '../../ui/panel.tsx';
import { useAsked } from '../../use-asked.ts';
import { inForce } from './in-force.ts';
import styles from './model-drawer.module.css';
import table from './model-settings.module.css';
import { Section } from './section.tsx';
import { usePlan } from './use-plan.ts';

const NO_WISH = {};

export function ModelSettings({ model }: { readonly model: ModelView }) {
  const { id, state, pinned } = model;
  const asked = useAsked<'settings'>('/control/settings', [state]);
  const { answer } = usePlan(id, NO_WISH, [state]);
  const own = answer?.own ?? null;
  const deviceName = useDeviceNames();
  if (asked.answer === null || own === null)
    return <div className={styles.body}>{asked.trouble !== null && <Note tone="bad">{asked.trouble}</Note>}</div>;
  const settings = asked.answer.settings as Settings;
  const planned = answer?.decision?.kind === 'place' ? answer.decision.candidate.plan : null;
  const rows = inForce({ model, own, settings, planned, deviceName });
  return (
    <div className={styles.body}>
      <SwitchField checked={pinned} label={texts.common.pinnedMeans} onChange={(checked) => void pin(id, checked)} />
      <Section title={texts.inForce.title}>
        <table className={table.values}>
          <thead>
            <tr>
              <th scope="col">{texts.common.setting}</th>
              <th scope="col">{texts.common.value}</th>
              <th scope="col">{texts.inForce.from}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, value, next, from }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  {value}
                  {next !== null && <p className={table.next}>{texts.inForce.nextLoad(next)}</p>}
                </td>
                <td>{from}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <a href={address('settings', 'models')}>{texts.inForce.changeUnder(own.name)}</a>
      </Section>
    </div>
  );
}
