import { plainList, query } from '../../platform/database.ts';
import type { WalletDatabase } from './database.ts';
import type { WalletKey } from './ensure-wallets.ts';

/** The wallet of each phone and currency. @returns an id per key, null where there is no wallet, in order */
export async function findWallets(
  db: WalletDatabase,
  keys: WalletKey[],
  timeoutMs: number,
): Promise<(string | null)[]> {
  const { rows } = await query<{ id: string | null }>(
    db.door,
    {
      name: 'find wallets',
      text: `select w.id from unnest($1::text[], $2::text[]) with ordinality i(phone, currency, position)
        left join wallets w on w.phone = i.phone and w.currency = i.currency
        order by i.position`,
      values: [plainList(keys.map((key) => key.phone)), plainList(keys.map((key) => key.currency))],
    },
    timeoutMs,
  );
  return rows.map((row) => row.id);
}
