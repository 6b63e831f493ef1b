import type { LookupAddress } from 'node:dns';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isPublicAddress, namesPrivateAddress, publicLookup } from './public-address.ts';

describe('nobody reaches our own networks through a webhook', () => {
  test.each([
    ['this machine', '127.0.0.1'],
    ['this machine', '127.255.0.9'],
    ['this machine', '::1'],
    ['any address', '0.0.0.0'],
    ['any address', '::'],
    ['a private network', '10.1.2.3'],
    ['a private network', '172.16.0.1'],
    ['a private network', '192.168.1.1'],
    ['a unique local address', 'fd12:3456::1'],
    ['a unique local address', 'fc00::1'],
    ['a link', '169.254.10.10'],
    ['a link', 'fe80::1'],
    ['a cloud’s metadata', '169.254.169.254'],
    ['a cloud’s metadata', 'fd00:ec2::254'],
    ['a carrier’s network', '100.64.0.1'],
    ['an IPv4 address in IPv6', '::ffff:127.0.0.1'],
    ['an IPv4 address in IPv6', '::ffff:a00:1'],
    ['a translated address', '64:ff9b::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['a reserved range', '240.0.0.1'],
    ['documentation', '192.0.2.1'],
    ['benchmarks', '198.18.0.1'],
    ['no address', 'example.com'],
    ['no address', ''],
  ])('%s: %s', (_, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    'but the internet: %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each([
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://10.0.0.1:8443/x',
  ])('however it is written: %s', (url) => {
    expect(namesPrivateAddress(new URL(url))).toBe(true);
  });

  test('a name is judged by what it resolves to', () => {
    expect(namesPrivateAddress(new URL('https://example.com/'))).toBe(false);
    expect(namesPrivateAddress(new URL('https://8.8.8.8/'))).toBe(false);
  });
});

describe('a name that resolves to', () => {
  type Resolve = NonNullable<Parameters<typeof publicLookup>[0]>;
  const resolvesTo =
    (...addresses: string[]): Resolve =>
    (_host, _options, callback) =>
      callback(
        null,
        addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const lookUp = (resolve: Resolve, all: boolean) =>
    new Promise((done, refuse) =>
      publicLookup(resolve)('name.example', { all }, (error, found) => (error ? refuse(error) : done(found))),
    );

  test('private addresses only is refused', async () => {
    await expect(lookUp(resolvesTo('127.0.0.1', '::1'), true)).rejects.toThrow('not a public one');
    await expect(lookUp(resolvesTo('10.0.0.1'), false)).rejects.toThrow('not a public one');
    await expect(lookUp(resolvesTo(), true)).rejects.toThrow('not a public one');
  });

  test('both kinds is reached at the public ones', async () => {
    const both = resolvesTo('10.0.0.1', '8.8.8.8', '::1');
    expect(await lookUp(both, true)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await lookUp(both, false)).toBe('8.8.8.8');
  });

  test('a public address when it is looked at and a private one a moment later is not reached there', async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let resolutions = 0;
    const rebinding: Resolve = (host, options, callback) => {
      resolutions++;
      const resolve = resolvesTo(resolutions === 1 ? '8.8.8.8' : '127.0.0.1');
      setImmediate(resolve, host, options, callback);
    };
    /** @returns where the connection is about to be made, which it is not; or why not */
    const reach = () =>
      new Promise<string>((resolve) => {
        const options = { host: 'name.example', port, lookup: publicLookup(rebinding), autoSelectFamily: false };
        const sent = request(options, () => resolve('answered'));
        sent.once('error', (error) => resolve(error.message));
        sent.once('socket', (socket) =>
          socket.once('lookup', (error, address) => {
            if (error) return;
            resolve(address);
            sent.destroy();
          }),
        );
        sent.end();
      });
    expect(await reach()).toBe('8.8.8.8');
    expect(resolutions).toBe(1);
    expect(await reach()).toContain('not a public one');
    expect(resolutions).toBe(2);
    expect(connections).toBe(0);
    server.close();
  });
});
