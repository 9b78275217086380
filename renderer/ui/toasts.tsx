/**
 * Short messages that a user may miss without harm: an action failed, something was copied.
 * Announced once; removed after a while or by a click.
 */
import { Toast } from '@base-ui/react/toast';
import { toModeliumError } from '../../shared/errors.ts';
import * as texts from '../texts.ts';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';
import styles from './toasts.module.css';

const manager = Toast.createToastManager();

export function say(title: string, description?: string): void {
  manager.add({ title, ...(description === undefined ? {} : { description }), type: 'good' });
}

/**
 * Something did not go as the person wanted it. Without the priority that Base UI has for it: such
 * a toast is hidden from readers while it can have the focus, and is announced once all the same.
 */
export function warn(title: string, description: string): void {
  manager.add({ title, description, type: 'bad', timeout: 10_000 });
}

/** @param what the action that failed: `Could not load tiny`. */
export function sayError(what: string, thrown: unknown): void {
  warn(what, toModeliumError(thrown).message);
}

/** Carries an action out and says so when it fails. */
export async function attempt(what: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    sayError(what, thrown);
  }
}

/** Where it stands it takes room, so that no message ever covers a row. */
export function Toasts() {
  return (
    <Toast.Provider limit={4} toastManager={manager}>
      <Toast.Viewport className={styles.viewport}>
        <ToastList />
      </Toast.Viewport>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root className={styles.toast} data-tone={toast.type} key={toast.id} toast={toast}>
      <Icon name={toast.type === 'bad' ? 'warning' : 'check'} />
      <div className={styles.words}>
        <Toast.Title className={styles.title} />
        <Toast.Description className={styles.description} />
      </div>
      <Toast.Close render={<IconButton icon="close" label={texts.common.dismiss} small />} />
    </Toast.Root>
  ));
}
