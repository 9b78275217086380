import type { PageProps } from '../../app.tsx';
import { Page } from '../../components/panel.tsx';

export function PlaygroundPage(_props: PageProps) {
  return <Page title="Playground">.</Page>;
}
