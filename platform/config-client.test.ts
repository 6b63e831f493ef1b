import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cliSettings, SettingsError } from './config-client.ts';

const run = {
  api: 'http://127.0.0.1:9090',
  web_ui: 'http://127.0.0.1:8233',
  admin_key: 'local-admin-key',
  temporal: '127.0.0.1:7233',
  databases: { gateway: 'postgres://g', gift_code: 'postgres://c', wallet: 'postgres://w' },
  pids: { app: 1 },
};

const root = mkdtempSync(join(tmpdir(), 'vouchsafe-test-'));
afterAll(() => rmSync(root, { recursive: true }));

function home(content?: string): string {
  const folder = mkdtempSync(join(root, 'home-'));
  if (content !== undefined) writeFileSync(join(folder, 'run.json'), content);
  return folder;
}

test('a running instance is found by itself', () => {
  expect(cliSettings({ VOUCHSAFE_HOME: home(JSON.stringify(run)) })).toEqual({
    url: 'http://127.0.0.1:9090',
    key: 'local-admin-key',
    currency: 'USD',
    walletDatabaseUrl: 'postgres://w',
  });
});

test('the currency is that of the instance, unless another is named', () => {
  const VOUCHSAFE_HOME = home(JSON.stringify({ ...run, currency: 'EUR' }));
  expect(cliSettings({ VOUCHSAFE_HOME }).currency).toBe('EUR');
  expect(cliSettings({ VOUCHSAFE_HOME, VOUCHSAFE_CURRENCY: 'JPY' }).currency).toBe('JPY');
  expect(cliSettings({ VOUCHSAFE_HOME, VOUCHSAFE_URL: 'https://gift.example' }).currency).toBe('USD');
});

test('an address of its own wins, and never gets the key of the instance here', () => {
  const VOUCHSAFE_HOME = home(JSON.stringify(run));
  expect(cliSettings({ VOUCHSAFE_HOME, VOUCHSAFE_URL: 'https://gift.example/' })).toEqual({
    url: 'https://gift.example',
    key: undefined,
    currency: 'USD',
    walletDatabaseUrl: undefined,
  });
  expect(cliSettings({ VOUCHSAFE_HOME, VOUCHSAFE_URL: 'https://gift.example', VOUCHSAFE_KEY: 'k' }).key).toBe('k');
  expect(cliSettings({ VOUCHSAFE_HOME, VOUCHSAFE_URL: 'http://127.0.0.1:9090/' }).key).toBe('local-admin-key');
});

test('with nothing running it is the default address, so that the refusal can say what to start', () => {
  expect(cliSettings({ VOUCHSAFE_HOME: home(), VOUCHSAFE_URL: '' })).toMatchObject({
    url: 'http://127.0.0.1:8080',
    key: undefined,
  });
});

test.each([
  ['an address that is none', { VOUCHSAFE_HOME: home(), VOUCHSAFE_URL: 'gift.example' }],
  ['an address of another protocol', { VOUCHSAFE_HOME: home(), VOUCHSAFE_URL: 'ftp://gift.example' }],
  ['a currency that is none', { VOUCHSAFE_HOME: home(), VOUCHSAFE_CURRENCY: 'XAU' }],
  ['a key that no header can hold', { VOUCHSAFE_HOME: home(), VOUCHSAFE_KEY: 'a\nb' }],
  ['a run.json that is broken', { VOUCHSAFE_HOME: home('{"api":') }],
  ['a run.json of something else', { VOUCHSAFE_HOME: home('{"port":1}') }],
])('%s is named, not guessed around', (_, environment) => {
  expect(() => cliSettings(environment)).toThrow(SettingsError);
});
