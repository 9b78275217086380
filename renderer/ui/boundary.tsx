/**
 * Keeps one page's failure to that page: a part that could not be fetched while the engine was
 * away, or a bug. The rest of the window lives on.
 */
import { Component, type ReactNode } from 'react';
import { toModeliumError } from '../../shared/errors.ts';
import { Button } from './button.tsx';
import { Note } from './panel.tsx';

interface BoundaryState {
  readonly trouble: string | null;
}

export class Boundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  static getDerivedStateFromError(thrown: unknown): BoundaryState {
    return { trouble: toModeliumError(thrown).message };
  }

  override state: BoundaryState = { trouble: null };

  override render(): ReactNode {
    if (this.state.trouble === null) return this.props.children;
    return (
      <Note tone="bad">
        <p>This page could not be shown: {this.state.trouble}</p>
        <Button onClick={() => location.reload()} small>
          Load the window again
        </Button>
      </Note>
    );
  }
}
