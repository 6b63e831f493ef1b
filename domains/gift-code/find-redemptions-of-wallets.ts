import { plainList, query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface WalletUse {
  codeId: string;
  walletId: string;
}

/** The latest redemption by which each wallet has, or is getting, the code. @returns an id or null per use, in order */
export async function findRedemptionsOfWallets(
  db: GiftCodeDatabase,
  uses: WalletUse[],
  timeoutMs: number,
): Promise<(string | null)[]> {
  const { rows } = await query<{ id: string | null }>(
    db.door,
    {
      name: 'redemptions of wallets',
      text: `select found.id from unnest($1::uuid[], $2::uuid[]) with ordinality i(code_id, wallet_id, position)
        left join lateral (
          select r.id from redemptions r
          where r.code_id = i.code_id and r.wallet_id = i.wallet_id and r.state in ('reserved', 'completed')
          order by r.created_at desc limit 1
        ) found on true
        order by i.position`,
      values: [plainList(uses.map((use) => use.codeId)), plainList(uses.map((use) => use.walletId))],
    },
    timeoutMs,
  );
  return rows.map((row) => row.id);
}
