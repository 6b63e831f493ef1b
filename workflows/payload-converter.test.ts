import { createRequire } from 'node:module';
import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';

const { payloadConverter } = createRequire(import.meta.url)('./payload-converter.cjs') as {
  payloadConverter: PayloadConverter;
};

const values = [
  null,
  true,
  0,
  'é€😀\u0000\ud800',
  [],
  [{ redemptionId: '0193c1aa-0000-7000-8000-000000000000', amount: '500', reason: undefined }],
  { nested: { list: [1, 'x', null] } },
  undefined,
  Uint8Array.of(0, 255),
];

test.each(values.map((value) => [value]))('%j is the payload that the SDK makes of it, and is read back', (value) => {
  const payload = payloadConverter.toPayload(value);
  expect(payload).toEqual(defaultPayloadConverter.toPayload(value));
  expect(payloadConverter.fromPayload(payload)).toEqual(defaultPayloadConverter.fromPayload(payload));
});

test('what JSON cannot tell is refused, as is a payload without its data', () => {
  expect(() => payloadConverter.toPayload(() => 1)).toThrow('Unable to convert');
  expect(() => payloadConverter.toPayload(1n)).toThrow('BigInt');
  const payload = payloadConverter.toPayload('x');
  expect(() => payloadConverter.fromPayload({ ...payload, data: null })).toThrow('no data');
});
