import type { PageProps } from '../../app.tsx';
import { Page } from '../../components/panel.tsx';

export function SettingsPage(_props: PageProps) {
  return <Page title="Settings">.</Page>;
}
