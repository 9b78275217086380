/**
 * The table of the verbs for the engine, the settings and this machine. The code of each verb is in
 * a file of its own, imported when the verb is called.
 */
import { toPort } from './option-values.ts';
import { JSON_OPTION, type Verb } from './verb.ts';

export const ENGINE_VERBS: readonly Verb[] = [
  {
    usage: 'serve',
    says: 'run the engine here until Ctrl-C',
    options: [
      { flags: '--config <file>', says: 'settings file; else ./modelium.yaml, else the one in your configuration folder' },
      { flags: '--port <number>', says: 'port of the API, in place of api.port', parse: toPort },
      { flags: '--host <address>', says: 'address of the API, in place of api.host' },
      { flags: '--watch <folders...>', says: 'watch these folders, in place of the settings' },
    ],
    examples: ['modelium serve --watch ~/models', 'modelium serve --port 0'],
    run: async ({ stateFolder }, _, options) =>
      (await import('./serve.ts')).serve({
        stateFolder,
        config: options['config'] as string | undefined,
        port: options['port'] as number | undefined,
        host: options['host'] as string | undefined,
        watch: options['watch'] as string[] | undefined,
      }),
  },
  {
    usage: 'status',
    says: 'show the running engine: its address, watch folders, models and devices',
    options: [JSON_OPTION],
    run: async (shared) => (await import('./status.ts')).status(shared),
  },
  {
    usage: 'stop',
    says: 'end the running engine; its models are unloaded first',
    options: [JSON_OPTION],
    run: async (shared) => (await import('./stop.ts')).stop(shared),
  },
  {
    usage: 'open',
    says: "print the window's address with its token, for a browser",
    options: [{ flags: '--browser', says: "open it in this desktop's browser" }, JSON_OPTION],
    run: async (shared, _, options) => (await import('./open.ts')).open(shared, options['browser'] === true),
  },
  {
    usage: 'service <action>',
    says: 'manage the systemd unit that runs the engine from login on: install, uninstall or status',
    options: [
      { flags: '--user', says: 'for your user only (the default, and the only choice)' },
      { flags: '--config <file>', says: 'settings file of the service' },
      { flags: '--no-start', says: 'only write the unit' },
    ],
    examples: ['modelium service install --user', 'modelium service uninstall'],
    run: async (shared, [action = ''], options) =>
      (await import('./service.ts')).service(shared, action, {
        config: options['config'] as string | undefined,
        isStarted: options['start'] !== false,
      }),
  },
  {
    usage: 'demo',
    says: 'fetch a small model, serve it in a separate engine and ask it a question',
    options: [
      { flags: '--once', says: 'end after the first answer; opens no window' },
      { flags: '--window', says: 'open the window (the default in a terminal, if a window is possible)' },
      { flags: '--no-window', says: 'open no window' },
    ],
    run: async (_, __, options) =>
      (await import('./demo.ts')).demo({ once: options['once'] === true, window: options['window'] as boolean | undefined }),
  },
  {
    usage: 'init [path]',
    says: 'write a modelium.yaml in which every key is explained and commented out',
    options: [{ flags: '--force', says: 'overwrite an existing file' }, JSON_OPTION],
    run: async (shared, [path], options) => (await import('./init.ts')).init({ path, force: options['force'] === true, json: shared.json }),
  },
  {
    usage: 'import <path>',
    says: 'translate a configuration of llama-swap and print it as a modelium.yaml',
    options: [
      { flags: '--write [file]', says: 'write the result to this file, or to your own modelium.yaml' },
      { flags: '--force', says: 'overwrite an existing file; its content is kept as FILE.old' },
      JSON_OPTION,
    ],
    examples: ['modelium import config.yaml', 'modelium import config.yaml --write'],
    run: async (shared, [path = ''], options) => {
      const write = options['write'] as string | boolean | undefined;
      return (await import('./import.ts')).importSettings({ path, write, force: options['force'] === true, json: shared.json });
    },
  },
  {
    usage: 'check',
    says: 'show what is installed here, and how to get what is missing',
    options: [{ flags: '--config <file>', says: 'settings file to check' }, JSON_OPTION],
    run: async (shared, _, options) => (await import('./check.ts')).check(shared, options['config'] as string | undefined),
  },
];
