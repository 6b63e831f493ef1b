import { openHttpConnection } from './http-connection.ts';
import type { Order } from './seed.ts';
import type { ServiceProcess } from './service-process.ts';

/** A customer's client: one connection, one redemption after the other. */
export interface Redeemer {
  /** Redeems and reads the whole answer. @returns whether it was 201 with a completed redemption */
  redeem(order: Order): Promise<boolean>;
  close(): void;
}

export async function openRedeemer({ url, adminKey }: ServiceProcess): Promise<Redeemer> {
  const connection = await openHttpConnection(url, adminKey);
  return {
    async redeem({ code, phone }) {
      const { status, body } = await connection.post('/v1/redemptions', JSON.stringify({ code, phone }));
      const isCompleted = status === 201 && JSON.parse(body).state === 'completed';
      if (!isCompleted) process.stderr.write(`${status} ${body}\n`);
      return isCompleted;
    },
    close: connection.close,
  };
}
