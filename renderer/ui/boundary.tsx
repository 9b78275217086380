/** Confines a bug to one page or dialog, so that the rest of the window keeps working. */
import { Component, type ReactNode } from 'react';
import { toModeliumError } from '../../shared/errors.ts';
import * as texts from '../texts.ts';
import { Button } from './button.tsx';
import { Note } from './panel.tsx';

interface BoundaryProps {
  readonly children: ReactNode;
  /** What the words stand in: for a dialog, a dialog. */
  readonly frame?: (words: ReactNode) => ReactNode;
}

interface BoundaryState {
  readonly trouble: string | null;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  static getDerivedStateFromError(thrown: unknown): BoundaryState {
    return { trouble: toModeliumError(thrown).message };
  }

  override state: BoundaryState = { trouble: null };

  override render(): ReactNode {
    const { children, frame = (words) => words } = this.props;
    if (this.state.trouble === null) return children;
    return frame(
      <Note tone="bad">
        <p>{texts.window.partNotShown(this.state.trouble)}</p>
        <Button onClick={() => location.reload()} small>
          {texts.common.loadWindowAgain}
        </Button>
      </Note>,
    );
  }
}
