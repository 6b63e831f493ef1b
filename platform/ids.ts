import { parse, v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import { drawBytes } from './random.ts';

/** Namespace of ids made from idempotency keys; a random UUID, fixed for ever. As bytes, since uuid parses a text for each id. */
const NAMESPACE = parse('6f0d8c1e-93a4-4e0b-9d5f-2f6c1b7ae4d3');

/** A new id, ordered by time. */
export const newId = (): string => uuidv7({ rng: () => drawBytes(16) });

/**
 * The id that an Idempotency-Key stands for: the same client, operation and key always give the same id, so that a
 * primary key guards what the id is given to. UUIDv5, RFC 9562.
 */
export const idFromKey = (clientId: string, operation: string, key: string): string =>
  uuidv5(Buffer.from(`${clientId}\n${operation}\n${key}`), NAMESPACE);

/** The id of what a request makes: the one that its Idempotency-Key stands for, or a new one where it has none. */
export const idFor = (clientId: string, operation: string, key: string | undefined): string =>
  key === undefined ? newId() : idFromKey(clientId, operation, key);

/** The id of the transfer that takes a redemption's credit back: there can be one only. */
export const reversalTransferId = (redemptionId: string): string => idFromKey(redemptionId, 'reversal', '');

export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
