/** Owns the route: which page is shown, from the fragment of the address: `#/models/NAME`. */
import { useSyncExternalStore } from 'react';
import * as texts from './texts.ts';

export const PAGES = ['box', 'models', 'decisions', 'activity', 'playground', 'logs', 'settings'] as const;
export type PageName = (typeof PAGES)[number];
export const TITLES: Readonly<Record<PageName, string>> = texts.window.titles;

export interface Route {
  readonly page: PageName;
  /** What the page is about, usually a model's id; null: nothing in particular. */
  readonly subject: string | null;
}

/** A page may be about something: a model, mostly. */
export interface PageProps {
  readonly subject: string | null;
}

export function address(page: PageName, subject: string | null = null): string {
  return `#/${page}${subject === null ? '' : `/${encodeURIComponent(subject)}`}`;
}

export function go(page: PageName, subject: string | null = null): void {
  location.hash = address(page, subject);
}

export function useRoute(): Route {
  return parse(useSyncExternalStore(subscribe, () => location.hash));
}

function subscribe(changed: () => void): () => void {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}

function parse(hash: string): Route {
  const [name = '', subject] = hash.replace(/^#\//, '').split('/');
  const page = PAGES.find((each) => each === name) ?? 'box';
  return { page, subject: subject === undefined || subject === '' ? null : decoded(subject) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
