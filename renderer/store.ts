/**
 * The window's store: the engine's snapshot, and the state of the connection. Only link.ts (the
 * event stream) writes it. State that only one page needs (a draft, an open drawer) belongs to that
 * page.
 */
import { create } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { ModelView, Snapshot } from '../shared/snapshot.ts';

export type Link =
  | { readonly name: 'connecting' }
  | { readonly name: 'live' }
  /** It was there and went away; asked again and again. */
  | { readonly name: 'lost'; readonly why: string }
  /**
   * The token is missing or wrong: only a person can mend that. `checking`: with another one, which
   * the engine has not answered to yet.
   */
  | { readonly name: 'refused'; readonly why: string; readonly checking: boolean };

export interface WindowState {
  readonly link: Link;
  readonly snapshot: Snapshot | null;
}

export const useWindow = create<WindowState>(() => ({ link: { name: 'connecting' }, snapshot: null }));

const NO_MODELS: readonly ModelView[] = [];

export function useModels(): readonly ModelView[] {
  return useWindow((state) => state.snapshot?.models ?? NO_MODELS);
}

/**
 * Those that memory is promised to. The same list as long as they are the same: most of the time
 * there is none.
 */
export function useLoadingModels(): readonly ModelView[] {
  return useWindow(useShallow((state) => state.snapshot?.models.filter((model) => model.state === 'loading') ?? NO_MODELS));
}

export function useReadyCount(): number {
  return useWindow((state) => state.snapshot?.models.filter((model) => model.state === 'ready').length ?? 0);
}

export function useModel(id: string | null): ModelView | undefined {
  return useWindow((state) => (id === null ? undefined : state.snapshot?.models.find((model) => model.id === id)));
}
