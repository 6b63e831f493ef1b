import { type HttpAnswer, openHttpConnection } from './http-connection.ts';
import type { Order } from './seed.ts';
import type { ServiceProcess } from './service-process.ts';

type Wish = Pick<Order, 'code' | 'phone'>;

/** Customers' clients, known by their numbers from 0: each has a connection, for one redemption after the other. */
export interface Redeemers {
  /** Redeems and reads the whole answer. @returns whether it was 201 with a completed redemption */
  redeem(wish: Wish, client: number): Promise<boolean>;
  /** Asks for a redemption, with an Idempotency-Key if one is given. @returns the answer, whatever it is */
  ask(wish: Wish, client: number, key?: string): Promise<HttpAnswer>;
  close(): void;
}

/** Opens the connections, spread evenly over the gateways. */
export async function openRedeemers(
  services: Pick<ServiceProcess, 'url' | 'adminKey'>[],
  clients: number,
): Promise<Redeemers> {
  const connections = await Promise.all(
    Array.from({ length: clients }, (_, client) => {
      const service = services[client % services.length];
      if (!service) throw new Error('there is no gateway');
      return openHttpConnection(service.url, service.adminKey);
    }),
  );
  const ask = async ({ code, phone }: Wish, client: number, key?: string) => {
    const connection = connections[client];
    if (!connection) throw new Error(`there is no client ${client}`);
    const headers = key === undefined ? {} : { 'Idempotency-Key': key };
    return await connection.post('/v1/redemptions', JSON.stringify({ code, phone }), headers);
  };
  return {
    ask,
    async redeem(wish, client) {
      const { status, body } = await ask(wish, client);
      const isCompleted = status === 201 && body.includes('"state":"completed"');
      if (!isCompleted) process.stderr.write(`${status} ${body}\n`);
      return isCompleted;
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}
