import type { PageProps } from '../../app.tsx';
import { Page } from '../../components/panel.tsx';

export function ModelsPage(_props: PageProps) {
  return <Page title="Models">.</Page>;
}
