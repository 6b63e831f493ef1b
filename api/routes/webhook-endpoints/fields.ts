import { z } from 'zod';
import { ALL_EVENTS, EVENT_TYPES } from '../../../platform/event-types.ts';
import { namesPrivateAddress } from '../../../platform/public-address.ts';

const MAX_URL = 2_000;

/** Where events may be sent: https, and no address that is this machine's or of a local network, unless those are allowed. */
export const endpointUrl = (allowPrivate: boolean) =>
  z
    .string()
    .max(MAX_URL)
    .transform((text, context) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      const fault = url ? faultOf(url, allowPrivate) : 'must be an address such as https://example.com/hook';
      if (url && !fault) return url.href;
      context.addIssue({ code: 'custom', message: fault ?? '' });
      return z.NEVER;
    });

function faultOf(url: URL, allowPrivate: boolean): string | undefined {
  const isHttp = url.protocol === 'http:' && allowPrivate;
  if (url.protocol !== 'https:' && !isHttp) return `must be an ${allowPrivate ? 'http or ' : ''}https address`;
  if (url.username || url.password) return 'must not hold a name or a password: verify the signature instead';
  if (url.hash) return 'must not have a fragment';
  if (!allowPrivate && namesPrivateAddress(url)) return 'must be a public address';
  return undefined;
}

/** Event types that an endpoint wants: each once, in order; or all there are. */
export const eventTypes = z
  .array(z.enum([ALL_EVENTS, ...EVENT_TYPES]))
  .min(1)
  .max(EVENT_TYPES.length + 1)
  .transform((types) => {
    return types.includes(ALL_EVENTS) ? [ALL_EVENTS] : EVENT_TYPES.filter((type) => types.includes(type));
  });
