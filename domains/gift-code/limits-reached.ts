import { plainList, query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface LimitedUse {
  groupId: string;
  walletId: string;
}

/** Which wallets have used their group as often as its limit per wallet allows, now. In order. @throws DatabaseUnavailable */
export async function limitsReached(db: GiftCodeDatabase, uses: LimitedUse[], timeoutMs: number): Promise<boolean[]> {
  const { rows } = await query<{ reached: boolean | null }>(
    db.door,
    {
      name: 'limits reached',
      text: `select limit_reached_1(i.group_id, i.wallet_id) as reached
        from unnest($1::uuid[], $2::uuid[]) with ordinality i(group_id, wallet_id, position)
        order by i.position`,
      values: [plainList(uses.map((use) => use.groupId)), plainList(uses.map((use) => use.walletId))],
    },
    timeoutMs,
  );
  return rows.map(({ reached }) => reached === true);
}
