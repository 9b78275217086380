import { expect, test } from 'vitest';
import { hostRules, isHostPattern, isOriginPattern, originRules } from '../../shared/origins.ts';
import { checkSettings } from '../../shared/settings-check.ts';

// What is let in and what is not; the second column as browsers write the origins of pages (WHATWG
// URL: lower case, no usual port, no slash).
test.each<[pattern: string, yes: readonly string[], no: readonly string[]]>([
  ['*', ['https://any.example', 'null', 'app://x'], []],
  ['null', ['null'], ['https://null']],
  ['https://page.example', ['https://page.example'], ['http://page.example', 'https://page.example:8443', 'https://a.page.example']],
  ['HTTPS://Page.Example/', ['https://page.example'], ['https://page.example.evil']],
  ['https://page.example:443', ['https://page.example'], ['https://page.example:444']],
  ['http://localhost:*', ['http://localhost:3000', 'http://localhost'], ['http://localhost.evil:3000', 'https://localhost:3000']],
  ['http://127.0.0.1:5173', ['http://127.0.0.1:5173'], ['http://127.0.0.1', 'http://127x0x0x1:5173']],
  ['http://[::1]:*', ['http://[::1]:3000'], ['http://[::2]:3000']],
  [
    'https://*.page.example',
    ['https://a.page.example', 'https://a.b.page.example'],
    ['https://page.example', 'https://evilpage.example', 'https://a.page.example:1', 'https://a.page.example.evil'],
  ],
  ['http://*:3000', ['http://box:3000', 'http://[::1]:3000'], ['http://box:3001', 'http://box']],
  ['https://*', ['https://any.example', 'https://any.example:8443'], ['http://any.example', 'app://any']],
  ['chrome-extension://*', ['chrome-extension://abcdefgh'], ['https://abcdefgh']],
  ['app://obsidian.md', ['app://obsidian.md'], ['app://obsidianxmd']],
  ['vscode-webview://*', ['vscode-webview://0a1b'], []],
])('the origin pattern %s', (pattern, yes, no) => {
  expect(isOriginPattern(pattern)).toBe(true);
  const rules = originRules([pattern]);
  for (const origin of yes) expect(rules.has(origin), origin).toBe(true);
  for (const origin of no) expect(rules.has(origin), origin).toBe(false);
});

test.each([
  'localhost:3000',
  'page.example',
  'http://localhost*',
  'http://*page.example',
  'https://a.*.example',
  'http://',
  'https://x/y',
  '**',
  '',
])('no origin pattern: %j', (text) => {
  expect(isOriginPattern(text)).toBe(false);
  const checked = checkSettings({ api: { cors_origins: [text] } });
  expect(checked).toMatchObject({
    problems: [{ sentence: expect.stringMatching(/^api\.cors_origins\.0: expected an origin .*http:\/\/localhost:\*/) }],
  });
});

test.each(['box', 'box.example', '*.box.example', '192.168.0.7', '[fe80::1]', 'fe80::1', 'my_box'])('a host name: %s', (text) => {
  expect(isHostPattern(text)).toBe(true);
});

test.each(['*', 'http://box', 'box:8000', 'box/x', 'b*x', '', '*.'])('no host name: %j', (text) => {
  expect(isHostPattern(text)).toBe(false);
  expect(checkSettings({ api: { allowed_hosts: [text] } })).toMatchObject({
    problems: [{ sentence: expect.stringContaining('api.allowed_hosts.0') }],
  });
});

test('a host without its brackets is the one with them', () => {
  expect(hostRules(['FE80::1']).has('[fe80::1]')).toBe(true);
});
