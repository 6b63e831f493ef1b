import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

test.each([
  ['a country that is none', { VOUCHSAFE_REGION: 'UK' }],
  ['a currency that is none', { VOUCHSAFE_CURRENCY: 'ABC' }],
  ['a currency without amounts', { VOUCHSAFE_CURRENCY: 'XAU' }],
  ['less than the least', { VOUCHSAFE_STEP_TIMEOUT_MS: '49' }],
  ['a number that is none', { VOUCHSAFE_BATCH_MAX: 'many' }],
])('%s is refused at the start, by the name of its variable', (_, environment) => {
  const reading = () => readConfig(environment);
  expect(reading).toThrow(ConfigError);
  expect(reading).toThrow(Object.keys(environment)[0]);
});

test('what is not set has a default', () => {
  expect(readConfig({ VOUCHSAFE_REGION: 'GB' })).toMatchObject({ region: 'GB', currency: 'USD', port: 8080 });
});
