/**
 * The list of the six pages with what is happening on each, and the engine that the window is
 * connected to.
 */

import { isInTrouble, isNoModel } from './components/state-chip.tsx';
import { showPanel } from './palette/shortcuts.ts';
import { address, PAGES, type PageName, TITLES } from './route.ts';
import styles from './sidebar.module.css';
import { useModels, useWindow } from './store.ts';
import * as texts from './texts.ts';
import { chooseTheme, THEMES, useTheme } from './theme.ts';
import { IconButton } from './ui/button.tsx';
import { classes } from './ui/classes.ts';
import { Icon, type IconName } from './ui/icon.tsx';

const THEME_ICONS = { system: 'screen', light: 'sun', dark: 'moon' } as const satisfies Record<string, IconName>;

export function Sidebar({ page }: { readonly page: PageName }) {
  return (
    <nav aria-label={texts.window.pages} className={styles.sidebar}>
      <div className={styles.brand}>
        <Mark />
        <span className={styles.word}>{texts.window.product}</span>
      </div>
      <ul className={styles.pages}>
        {PAGES.map((name) => (
          <li key={name}>
            <a
              aria-current={name === page ? 'page' : undefined}
              className={classes(styles.link, name === page && styles.here)}
              href={address(name)}
              title={TITLES[name]}
            >
              <Icon name={name} size={18} />
              <span className={styles.word}>{TITLES[name]}</span>
              {name === 'models' && <ModelCount />}
              {name === 'settings' && <SettingsTrouble />}
            </a>
          </li>
        ))}
      </ul>
      <EngineFoot />
    </nav>
  );
}

function ModelCount() {
  const models = useModels();
  const troubled = models.filter(isInTrouble).length;
  if (troubled > 0) return <span className={classes(styles.count, styles.trouble)}>{texts.window.inTrouble(troubled)}</span>;
  const count = models.filter((model) => !isNoModel(model)).length;
  return count === 0 ? null : <span className={styles.count}>{count}</span>;
}

function SettingsTrouble() {
  const problem = useWindow((state) => state.snapshot?.settingsProblem ?? null);
  return problem === null ? null : <span className={classes(styles.count, styles.trouble)}>!</span>;
}

function EngineFoot() {
  const version = useWindow((state) => state.snapshot?.version ?? '');
  const link = useWindow((state) => state.link.name);
  const chosen = useTheme((state) => state.chosen);
  const next = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length] ?? 'system';
  return (
    <div className={styles.foot}>
      <span className={styles.engine}>
        <span className={classes(styles.dot, link === 'live' && styles.live)} />
        <span className={styles.word}>{link === 'live' ? texts.window.engine(version) : texts.window.noEngine}</span>
      </span>
      <IconButton icon="search" label={texts.window.search} onClick={() => showPanel('palette')} small />
      <IconButton
        icon={THEME_ICONS[chosen]}
        label={texts.window.changeTheme(texts.window.themes[chosen], texts.window.themes[next])}
        onClick={() => chooseTheme(next)}
        small
      />
    </div>
  );
}

function Mark() {
  return (
    <svg aria-hidden="true" height="24" viewBox="0 0 32 32" width="24">
      <rect className={styles.mark} height="32" rx="7" width="32" />
      <path
        d="M7 22V11.5c0-.8.9-1.2 1.5-.7L16 17.5l7.5-6.7c.6-.5 1.5-.1 1.5.7V22"
        fill="none"
        stroke="#fff"
        strokeLinecap="round"
        strokeLinejoin="round"
        strokeWidth="3"
      />
      <circle cx="16" cy="24" fill="#fff" r="2" />
    </svg>
  );
}
