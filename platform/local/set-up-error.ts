/** Something the user can put right before Vouchsafe starts. The message is one paragraph that says what to do; print it without a stack. */
export class SetUpError extends Error {
  override name = 'SetUpError';
}

/** A server could not have its port: another took it between our choice and its start. */
export class PortTaken extends SetUpError {
  override name = 'PortTaken';
}

/** What every message that cannot be helped locally ends with. */
export const ELSEWHERE =
  'Or run everything with `docker compose up`, or give the addresses of servers you have (GIFT_CODE_DATABASE_URL, ' +
  'WALLET_DATABASE_URL, GATEWAY_DATABASE_URL, NATS_URL, TEMPORAL_ADDRESS and, if you like, REDIS_URL).';
