/**
 * Light or dark: as in the system, unless the user chose. Sets `data-theme`, which tokens.css
 * reads; the choice is kept in this browser.
 */
import { create } from 'zustand';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'modelium-theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

interface ThemeState {
  readonly chosen: Theme;
  /** What is drawn now. */
  readonly shown: 'light' | 'dark';
}

export const useTheme = create<ThemeState>(() => stateFor(chosenBefore()));

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  useTheme.setState(stateFor(chosen));
}

/** Puts the theme into force, now and whenever the system or the person changes it. */
export function followTheme(): void {
  const apply = ({ shown }: ThemeState): void => {
    document.documentElement.dataset['theme'] = shown;
  };
  apply(useTheme.getState());
  useTheme.subscribe(apply);
  systemIsDark.addEventListener('change', () => useTheme.setState(stateFor(useTheme.getState().chosen)));
}

function chosenBefore(): Theme {
  const stored = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === stored) ?? 'system';
}

function stateFor(chosen: Theme): ThemeState {
  return { chosen, shown: chosen === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : chosen };
}
