import type { PageProps } from '../../app.tsx';
import { Page } from '../../components/panel.tsx';

export function LogsPage(_props: PageProps) {
  return <Page title="Logs">.</Page>;
}
