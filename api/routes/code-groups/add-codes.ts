import { z } from 'zod';
import type { CodeOrder } from '../../../domains/gift-code/order-codes.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { readCodesCsv } from '../../codes-csv.ts';
import { id } from '../../fields.ts';
import { type Answer, type Change, operation } from '../../operation.ts';
import { requestHash } from '../../request-hash.ts';
import type { Services } from '../../services.ts';
import { CODES_AT_ONCE, MAX_GENERATED, startOrLeave } from './generation.ts';
import { codeGroupJson } from './json.ts';

const TIMEOUT_MS = 10_000;

/**
 * Generated codes are answered at once up to 1,000, else made in the background (202); given ones come as CSV, and the
 * answer tells what became of its lines.
 */
export const addCodesOperation = operation({
  method: 'POST',
  path: '/v1/code-groups/{id}/codes',
  summary: 'Add codes to a group: generated ones by their count, given ones as CSV',
  scope: 'groups:write',
  action: 'code_group.add_codes',
  params: z.object({ id }),
  body: z.strictObject({ count: z.int().min(1).max(MAX_GENERATED) }),
  csv: true,
  idempotent: true,
  sends: ['Location'],
  answers: { 200: answers.codesImport, 201: answers.codeGroupWithCodes, 202: answers.codeGroup },
  problems: ['not-found', 'conflict', 'idempotency-key-reused', 'unavailable'],
  async handle({ params, body, csv, caller, idempotencyKey, services }, change) {
    const additionId = idFor(caller.clientId, 'code-additions', idempotencyKey);
    if (csv !== undefined) return await importCsv(services, change, params.id, additionId, csv);
    const { count } = body;
    const hash = requestHash({ group: params.id, count });
    return await generate(services, change, { id: additionId, groupId: params.id, count, requestHash: hash });
  },
});

async function importCsv(
  services: Services,
  change: Change,
  groupId: string,
  importId: string,
  csv: string,
): Promise<Answer> {
  const { codes, digest, ...invalid } = await readCodesCsv(csv);
  const hash = requestHash({ group: groupId, csv: digest.toString('hex') });
  const imported = await change(
    services.giftCode.importCodes({
      id: importId,
      groupId,
      codes,
      invalid,
      requestHash: hash,
    }),
  );
  if (!imported.ok) throw refused(imported.reason);
  await services.givenCodeLengths.refresh();
  services.wrote('gift-code');
  const { replayed, report } = imported;
  return {
    status: 200,
    body: report,
    replayed,
    audit:
      replayed || report.imported === 0
        ? undefined
        : {
            action: 'code_group.add_codes',
            resource: { type: 'code_group', id: groupId },
            after: { imported: report.imported },
          },
  };
}

async function generate(services: Services, change: Change, order: CodeOrder): Promise<Answer> {
  const { giftCode } = services;
  const { groupId, count } = order;
  const ordered = await change(giftCode.orderCodes(order));
  if (!ordered.ok) throw refused(ordered.reason);
  const { replayed, firstPosition } = ordered;
  const isAtOnce = count <= CODES_AT_ONCE;
  if (isAtOnce) {
    const generation = await giftCode.generateAtOnce(order.id, count, TIMEOUT_MS);
    if (generation?.state !== 'done') throw refused('cancelled');
  } else if (ordered.generation.state === 'running') {
    await startOrLeave(services, { generationId: order.id, total: count });
  }
  services.wrote('gift-code');

  const group = await giftCode.readCodeGroup(groupId);
  if (!group) throw new Error('a code group vanished');
  const codes = isAtOnce ? await giftCode.readCodeTexts(groupId, firstPosition, count) : undefined;
  const resource = { type: 'code_group', id: groupId } as const;
  const revealed = codes && ({ action: 'code.reveal', resource } as const);
  return {
    status: isAtOnce ? 201 : 202,
    body: { ...codeGroupJson(group), ...(codes && { codes }) },
    // A repeat makes nothing, but shows the codes again.
    audit: replayed ? revealed : { action: 'code_group.add_codes', resource, after: { count } },
    headers: { Location: `/v1/code-groups/${groupId}` },
    replayed,
  };
}

const CONFLICTS = {
  'group-full': 'The group has had as many codes as a group can have.',
  'generation-running': 'Codes of this group are being generated: wait for them, or cancel that.',
  cancelled: 'The generation was cancelled before it made these codes.',
};

function refused(reason: 'not-found' | 'idempotency-key-reused' | keyof typeof CONFLICTS): Problem {
  if (reason === 'not-found' || reason === 'idempotency-key-reused') return new Problem(reason);
  return new Problem('conflict', { detail: CONFLICTS[reason] });
}
