/** What a key, the menu or the palette opens over any page. */
import { lazy, Suspense } from 'react';
import { AddModel } from '../drop/add-model.tsx';
import { showPanel, usePanels } from './shortcuts.ts';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const ShortcutList = lazy(async () => ({ default: (await import('./shortcut-list.tsx')).ShortcutList }));

export function Panels() {
  const shown = usePanels((state) => state.shown);
  return (
    <>
      <AddModel onClose={() => showPanel(null)} open={shown === 'add'} />
      <Suspense>
        {shown === 'palette' && <Palette />}
        {shown === 'shortcuts' && <ShortcutList />}
      </Suspense>
    </>
  );
}
