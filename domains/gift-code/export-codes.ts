import { type CodeKeys, unsealCode } from '../../platform/code-keys.ts';
import { query } from '../../platform/database.ts';
import type { GiftCodeDatabase } from './database.ts';

export interface ExportedCode {
  id: string;
  code: string;
  state: string;
  max_redemptions: number;
  redemptions: number;
  last_redeemed_at: Date | null;
}

interface Row extends Omit<ExportedCode, 'code'> {
  position: number;
  sealed: Buffer;
  seal_key_id: number;
}

const PAGE = 5_000;
const TIMEOUT_MS = 30_000;

/** A group's codes in their order, a page at a time, so that memory does not grow with them. @throws DatabaseUnavailable */
export async function* exportCodes(
  db: GiftCodeDatabase,
  keys: CodeKeys,
  groupId: string,
): AsyncGenerator<ExportedCode[]> {
  let position = 0;
  for (;;) {
    const { rows } = await query<Row>(
      db.reads,
      {
        text: `select c.id, c.position, c.sealed, c.seal_key_id, c.max_redemptions, c.redeemed as redemptions,
            code_state_1(c.disabled, c.redeemed, c.reserved, c.max_redemptions) as state,
            case when c.redeemed > 0 then
              (select max(settled_at) from redemptions r where r.code_id = c.id and r.state = 'completed') end as last_redeemed_at
          from codes c where c.group_id = $1 and c.position > $2 order by c.position limit ${PAGE}`,
        values: [groupId, position],
      },
      TIMEOUT_MS,
    );
    const last = rows.at(-1);
    if (!last) return;
    position = last.position;
    yield rows.map((row) => ({ ...row, code: unsealCode(keys.seals, row.seal_key_id, row.id, row.sealed) }));
  }
}
