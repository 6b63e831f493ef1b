import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Why a connection was not made. */
export class PrivateAddressError extends Error {
  override name = 'PrivateAddressError';
  constructor() {
    super('the address is not a public one');
  }
}

/**
 * Whether an IP address is one of the public internet: not of this machine, a local network, a provider's metadata
 * service, nor of any other range that IANA sets aside. An IPv4 address within an IPv6 one is judged by itself.
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/** Whether a URL names a host by an address that is not public. A name is judged by what it resolves to, when it does. */
export function namesPrivateAddress({ hostname }: URL): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) !== 0 && !isPublicAddress(address);
}

type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A look-up for `net.connect` that gives public addresses only. The connection is made to the very addresses that were
 * looked at, so a name that resolves to something else a moment later (DNS rebinding) gains nothing.
 */
export const publicLookup =
  (resolve: Resolve = dnsLookup): LookupFunction =>
  (hostname, options, callback) =>
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const open = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = open;
      if (!first) return callback(new PrivateAddressError(), []);
      if (options.all) callback(null, open);
      else callback(null, first.address, first.family);
    });
