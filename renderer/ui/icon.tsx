/**
 * The window's icons: one stroke width, 16 units, drawn by hand. An icon always stands next to a
 * word or inside a named element, so it is hidden from screen readers.
 */
const PATHS = {
  box: 'M2.5 5.5 8 2.5l5.5 3v5L8 13.5l-5.5-3zM2.5 5.5 8 8.5l5.5-3M8 8.5v5',
  models: 'M8 2.5 14 5.5 8 8.5 2 5.5zM2 8l6 3 6-3M2 10.5l6 3 6-3',
  decisions: 'M4 3.5v9M4 6.5c4.5 0 3.5-3 7.5-3M4 6.5c4.5 0 3.5 6 7.5 6M11 2l1.5 1.5L11 5M11 11l1.5 1.5L11 14',
  activity: 'M1.5 8.5h3l2-5.5 3 10 2-4.5h3',
  playground: 'M2.5 3.5h11v7.5h-6l-3 2.5V11h-2zM5.5 6.5h5M5.5 8.5h3',
  logs: 'M2.5 3.5h11M2.5 6.5h7M2.5 9.5h11M2.5 12.5h5',
  settings: 'M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.2 2.9v3.2M5.8 9.9v3.2',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  play: 'M5 3.2v9.6L12.5 8z',
  stop: 'M4.5 4.5h7v7h-7z',
  eject: 'M8 3.5 12.5 9h-9zM3.5 12.5h9',
  pin: 'M6 2.5h4l-.5 4 2.5 2.5H4L6.5 6.5zM8 9v4.5',
  trash: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3',
  check: 'M3 8.5 6.5 12 13 4.5',
  warning: 'M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.7v.3',
  error: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 5v3.8M8 10.8v.3',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  folder: 'M2 4.5v8.5h12V5.5H8L6.5 3.5H2z',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  drop: 'M8 2.5v7M5 6.8l3 3 3-3M2.5 11v2.5h11V11',
  sun: 'M8 5.3a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  screen: 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5',
  send: 'M8 13V3.5M4 7l4-4 4 4',
  clock: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.5V8l2.5 1.5',
  dot: 'M8 6.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z',
  ring: 'M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z',
  half: 'M8 2.5a5.5 5.5 0 0 1 5.5 5.5',
  sleep: 'M5 4.5h6l-6 7h6',
  image: 'M2.5 3h11v10h-11zM5.8 5.2a1 1 0 1 1 0 2 1 1 0 0 1 0-2zM2.5 11.5l3.5-3 2 1.8 3-3.3 2.5 2.5',
  columns: 'M2.5 3h11v10h-11zM8 3v10',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.7h-2.7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      fill="none"
      height={size}
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
      strokeWidth={name === 'more' || name === 'dot' ? 2.2 : 1.5}
      viewBox="0 0 16 16"
      width={size}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
