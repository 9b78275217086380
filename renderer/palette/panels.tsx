/** The panels that a key, the menu or the palette opens over any page. */
import type { ReactNode } from 'react';
import { AddModel } from '../drop/add-model.tsx';
import { later } from '../later.tsx';
import * as texts from '../texts.ts';
import { Boundary } from '../ui/boundary.tsx';
import { Overlay } from '../ui/overlays.tsx';
import { showPanel, usePanels } from './shortcuts.ts';

const Palette = later(async () => (await import('./palette.tsx')).Palette, inDialog);
const ShortcutList = later(async () => (await import('./shortcut-list.tsx')).ShortcutList, inDialog);

export function Panels() {
  const shown = usePanels((state) => state.shown);
  return (
    <>
      <AddModel onClose={() => showPanel(null)} open={shown === 'add'} />
      <Boundary frame={inDialog} key={shown}>
        {shown === 'palette' && <Palette />}
        {shown === 'shortcuts' && <ShortcutList />}
      </Boundary>
    </>
  );
}

function inDialog(words: ReactNode): ReactNode {
  return (
    words !== null && (
      <Overlay onClose={() => showPanel(null)} open title={texts.window.dialogNotHereYet}>
        {words}
      </Overlay>
    )
  );
}
