import type { PageProps } from '../../app.tsx';
import { Page } from '../../components/panel.tsx';

export function DecisionsPage(_props: PageProps) {
  return <Page title="Decisions">.</Page>;
}
