/**
 * The verbs about the engine itself, its settings and this machine. A table: each verb's work is in
 * a file of its own, imported when it is called.
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
    says: 'the engine that runs: its address, what it watches, its models and devices',
    options: [JSON_OPTION],
    run: async (shared) => (await import('./status.ts')).status(shared),
  },
  {
    usage: 'stop',
    says: 'end the engine that runs; its models are unloaded first',
    options: [JSON_OPTION],
    run: async (shared) => (await import('./stop.ts')).stop(shared),
  },
  {
    usage: 'open',
    says: "the window's address with its token, for a browser",
    options: [{ flags: '--browser', says: "open it in this desktop's browser" }, JSON_OPTION],
    run: async (shared, _, options) => (await import('./open.ts')).open(shared, options['browser'] === true),
  },
  {
    usage: 'service <action>',
    says: 'install, uninstall or status: a systemd unit of yours that runs the engine from login on',
    options: [
      { flags: '--user', says: 'for you alone (the default and the only one)' },
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
    says: 'fetch a small model, serve it in an engine of its own, ask it',
    options: [
      { flags: '--once', says: 'end after the first answer; opens no window' },
      { flags: '--window', says: 'open the window on it (what it does on a terminal, where it can)' },
      { flags: '--no-window', says: 'open none' },
    ],
    run: async (_, __, options) =>
      (await import('./demo.ts')).demo({ once: options['once'] === true, window: options['window'] as boolean | undefined }),
  },
  {
    usage: 'init [path]',
    says: 'write a settings file to begin with: every key explained, nothing changed',
    options: [{ flags: '--force', says: 'also over a file that is there' }, JSON_OPTION],
    run: async (shared, [path], options) => (await import('./init.ts')).init({ path, force: options['force'] === true, json: shared.json }),
  },
  {
    usage: 'import <path>',
    says: "what another tool's configuration (llama-swap) says, as a modelium.yaml; changes nothing",
    options: [
      { flags: '--write [file]', says: 'write it: to this file, or to your own modelium.yaml' },
      { flags: '--force', says: 'also over a file that is there' },
      JSON_OPTION,
    ],
    examples: ['modelium import llama-swap.yaml --write'],
    run: async (shared, [path = ''], options) => {
      const { importSettings, importTarget } = await import('./import.ts');
      const target = importTarget(options['write'] as string | boolean | undefined);
      return importSettings({ path, target, force: options['force'] === true, json: shared.json });
    },
  },
  {
    usage: 'check',
    says: 'what is installed here, and what to do about what is missing',
    options: [{ flags: '--config <file>', says: 'settings file to check' }, JSON_OPTION],
    run: async (shared, _, options) => (await import('./check.ts')).check(shared, options['config'] as string | undefined),
  },
];
