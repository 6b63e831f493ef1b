import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

test.each([
  ['a country that is none', { VOUCHSAFE_REGION: 'UK' }],
  ['a currency that is none', { VOUCHSAFE_CURRENCY: 'ABC' }],
  ['a currency without amounts', { VOUCHSAFE_CURRENCY: 'XAU' }],
  ['less than the least', { VOUCHSAFE_STEP_TIMEOUT_MS: '49' }],
  ['a number that is none', { VOUCHSAFE_BATCH_MAX: 'many' }],
  ['an admin key that no header can hold', { VOUCHSAFE_ADMIN_KEY: 'has spaces in it and is long' }],
  ['an admin key of other letters', { VOUCHSAFE_ADMIN_KEY: 'pässwörterpasswörter' }],
  ['an admin key that is short', { VOUCHSAFE_ADMIN_KEY: 'a'.repeat(15) }],
  ['a name that is none', { NATS_STREAM: 'a b' }],
  ['a database of another kind', { WALLET_DATABASE_URL: 'mysql://w:secret@db/w' }],
  ['a database without its name', { GIFT_CODE_DATABASE_URL: 'postgresql://g:secret@db:5432' }],
  ['a cluster with one server that is none', { NATS_URL: 'nats://a:4222,b:4222' }],
  ['a file that is not there', { NATS_CREDS: '/nowhere/vouchsafe.creds' }],
])('%s is refused at the start, by the name of its variable', (_, environment) => {
  const reading = () => readConfig(environment);
  expect(reading).toThrow(ConfigError);
  expect(reading).toThrow(new RegExp(`^${Object.keys(environment)[0]} cannot be used: expected `));
});

test.each(['abc', '-1', '65536', '1.5'])('of a number it is said what is allowed, where it is %s', (PORT) => {
  expect(() => readConfig({ PORT })).toThrow('PORT cannot be used: expected a whole number from 0 to 65535');
});

test.each([
  [
    'a database whose authority is a file',
    { WALLET_DATABASE_URL: 'postgres://w@db/w?sslmode=verify-full&sslrootcert=/a/ca.pem' },
  ],
  ['a database behind a Unix socket', { WALLET_DATABASE_URL: 'postgresql:///w?host=/var/run/postgresql' }],
  ['a NATS of several servers', { NATS_URL: 'nats://u:p@a:4222,nats://b:4222' }],
  ['a Temporal at an IPv6 address', { TEMPORAL_ADDRESS: '[::1]:7233' }],
])('%s can be used', (_, environment) => {
  expect(Object.values(readConfig(environment).given)).toEqual(Object.values(environment));
});

test('who cannot be is told by no message that holds a password', () => {
  const reading = () => readConfig({ WALLET_DATABASE_URL: 'mysql://w:secret@db/w' });
  expect(reading).toThrow(/^((?!secret).)*$/);
});

describe('Temporal is told who we are', () => {
  const TEMPORAL_ADDRESS = 'temporal:7233';
  const signIn = (environment: Record<string, string>) => readConfig(environment).temporal.signIn;

  test('as the environment says, where it is named', () => {
    expect(signIn({ TEMPORAL_ADDRESS })).toEqual({});
    expect(signIn({ TEMPORAL_API_KEY: 'k' })).toEqual({});
    expect(signIn({ TEMPORAL_ADDRESS, TEMPORAL_API_KEY: 'k' })).toEqual({ apiKey: 'k', tls: true });
    expect(signIn({ TEMPORAL_ADDRESS, TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' })).toEqual({ apiKey: 'k' });
    expect(signIn({ TEMPORAL_ADDRESS, TEMPORAL_TLS: 'true' })).toHaveProperty('tls');
    const more = {
      TEMPORAL_TLS_SERVER_NAME: 'x',
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'pem',
      TEMPORAL_GRPC_META_TEAM: 'a',
    };
    expect(signIn({ TEMPORAL_ADDRESS, ...more })).toMatchObject({
      tls: { serverNameOverride: 'x', serverRootCACertificate: new TextEncoder().encode('pem') },
      metadata: { team: 'a' },
    });
  });

  test.each([
    ['a file that is not there', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' }, '/nowhere/ca.pem'],
    ['a certificate without its key', { TEMPORAL_TLS_CLIENT_CERT_DATA: 'pem' }, 'go together'],
  ])('but not by %s', (_, environment, why) => {
    const reading = () => readConfig({ TEMPORAL_ADDRESS, ...environment });
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(why);
  });
});

test('what is not set has a default', () => {
  expect(readConfig({ VOUCHSAFE_REGION: 'GB' })).toMatchObject({ region: 'GB', currency: 'USD', host: '127.0.0.1' });
});
