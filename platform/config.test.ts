import { expect, test } from 'vitest';
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
])('%s is refused at the start, by the name of its variable', (_, environment) => {
  const reading = () => readConfig(environment);
  expect(reading).toThrow(ConfigError);
  expect(reading).toThrow(new RegExp(`^${Object.keys(environment)[0]} cannot be used: expected `));
});

test.each(['abc', '-1', '65536', '1.5'])('of a number it is said what is allowed, where it is %s', (PORT) => {
  expect(() => readConfig({ PORT })).toThrow('PORT cannot be used: expected a whole number from 0 to 65535');
});

test('what is not set has a default', () => {
  expect(readConfig({ VOUCHSAFE_REGION: 'GB' })).toMatchObject({ region: 'GB', currency: 'USD', host: '127.0.0.1' });
});
