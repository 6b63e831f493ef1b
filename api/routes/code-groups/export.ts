import { Readable } from 'node:stream';
import { z } from 'zod';
import type { ExportedCode } from '../../../domains/gift-code/export-codes.ts';
import { operationError } from '../../../platform/database-errors.ts';
import { Problem } from '../../../platform/problems.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import type { Services } from '../../services.ts';

const HEADER = 'id,code,state,max_redemptions,redemptions,last_redeemed_at\n';

export const exportCodesOperation = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}/codes.csv',
  summary: 'Download the codes of a group as CSV',
  scope: 'codes:reveal',
  params: z.object({ id }),
  sends: ['Content-Disposition'],
  answers: { 200: 'csv' },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const group = await services.giftCode.readCodeGroup(params.id);
    if (!group) throw new Problem('not-found');
    return {
      status: 200,
      body: Readable.from(csv(services, group.id)),
      audit: { action: 'code.reveal', resource: { type: 'code_group', id: group.id } },
      headers: {
        'Content-Type': 'text/csv; charset=utf-8',
        'Content-Disposition': `attachment; filename="codes-${group.id}.csv"`,
      },
    };
  },
});

/**
 * A page at a time, so that memory does not grow with them. No field holds a comma, a quote or
 * a line break: codes are letters, digits and dashes.
 */
async function* csv({ giftCode, logger }: Services, groupId: string): AsyncGenerator<string> {
  yield HEADER;
  let after = 0;
  for (;;) {
    const page = await giftCode.exportCodes(groupId, after).catch((error: unknown) => {
      // Its status is sent already: the client sees that the connection ends.
      logger.error({ err: operationError(error), code_group: groupId, after }, 'an export broke off');
      throw error;
    });
    const last = page.at(-1);
    if (!last) return;
    after = last.position;
    yield page.map(line).join('');
  }
}

const line = (code: ExportedCode) =>
  `${code.id},${code.code},${code.state},${code.max_redemptions},${code.redemptions},${code.last_redeemed_at?.toISOString() ?? ''}\n`;
