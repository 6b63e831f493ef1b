import { type CodeKeys, unsealCode } from '../../platform/code-keys.ts';
import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface ExportedCode {
  id: string;
  /** Its place in its group. */
  position: number;
  code: string;
  state: string;
  max_redemptions: number;
  redemptions: number;
  last_redeemed_at: Date | null;
}

interface Row extends Omit<ExportedCode, 'code'> {
  sealed: Buffer;
  seal_key_id: number;
}

const PAGE = 5_000;
const TIMEOUT_MS = 30_000;

/** A page of a group's codes, those that follow a position, in their order. @throws DatabaseUnavailable */
export async function exportCodes(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  groupId: string,
  after: number,
): Promise<ExportedCode[]> {
  const { rows } = await query<Row>(
    db.reads,
    {
      text: `select c.id, c.position, c.sealed, c.seal_key_id, c.max_redemptions, c.redeemed as redemptions,
          code_state_1(c.disabled, c.redeemed, c.reserved, c.max_redemptions) as state,
          case when c.redeemed > 0 then
            (select max(settled_at) from redemptions r where r.code_id = c.id and r.state = 'completed') end as last_redeemed_at
        from codes c where c.group_id = $1 and c.position > $2 order by c.position limit ${PAGE}`,
      values: [groupId, after],
    },
    TIMEOUT_MS,
  );
  return rows.map(({ sealed, seal_key_id, ...row }) => ({
    ...row,
    code: unsealCode(keys.seals, seal_key_id, row.id, sealed),
  }));
}
