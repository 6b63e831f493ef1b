import { z } from 'zod';
import { codeHashCandidates } from '../../../domains/gift-code/read-codes.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { type Answer, operation } from '../../operation.ts';
import type { Services } from '../../services.ts';
import { codeDetailsJson } from './json.ts';
import { codeUses } from './uses.ts';

/** Redemptions shown with a code; all of them are in the list of redemptions, by `code_id`. */
const SHOWN_REDEMPTIONS = 100;

export const getCode = operation({
  method: 'GET',
  path: '/v1/codes/{id}',
  summary: 'Read a code by its id',
  scope: 'groups:read',
  params: z.object({ id }),
  answers: { 200: answers.codeDetails },
  problems: ['not-found', 'unavailable'],
  handle: ({ params, caller, services }) => showCode(services, params.id, caller.may('codes:reveal')),
});

export const lookUpCode = operation({
  method: 'POST',
  path: '/v1/codes/lookup',
  summary: 'Read a code by its text',
  scope: 'groups:read',
  body: z.strictObject({ code: z.string().min(1).max(128) }),
  takesCode: true,
  answers: { 200: answers.codeDetails },
  problems: ['code-malformed', 'code-not-found', 'unavailable'],
  async handle({ body, caller, services }) {
    const hashes = codeHashCandidates(services.codeKeys, body.code, services.givenCodeLengths.has);
    if (hashes.length === 0) throw new Problem('code-malformed');
    const codeId = await services.giftCode.findCode(hashes);
    if (!codeId) throw new Problem('code-not-found');
    return await showCode(services, codeId, caller.may('codes:reveal'));
  },
});

export const updateCodeOperation = operation({
  method: 'PATCH',
  path: '/v1/codes/{id}',
  summary: 'Switch a code off or on',
  scope: 'groups:write',
  action: 'code.update',
  params: z.object({ id }),
  body: z.strictObject({ disabled: z.boolean() }),
  answers: { 200: answers.codeDetails },
  problems: ['not-found', 'unavailable'],
  async handle({ params, body, services }, change) {
    const updated = await change(services.giftCode.updateCode(params.id, body));
    if (!updated) throw new Problem('not-found');
    services.wrote('gift-code');
    return {
      ...(await showCode(services, params.id, false)),
      audit:
        updated.wasDisabled === body.disabled
          ? undefined
          : {
              action: 'code.update',
              resource: { type: 'code', id: params.id },
              before: { disabled: updated.wasDisabled },
              after: body,
            },
    };
  },
});

async function showCode(services: Services, codeId: string, reveal: boolean): Promise<Answer> {
  const code = await services.giftCode.readCodeDetails(codeId);
  if (!code) throw new Problem('not-found');
  const rows = await services.giftCode.listRedemptions({ codeId }, SHOWN_REDEMPTIONS);
  const uses = await codeUses(services.wallet, rows);
  return {
    status: 200,
    body: codeDetailsJson(code, reveal ? services.codeKeys : undefined, uses),
    audit: reveal ? { action: 'code.reveal', resource: { type: 'code', id: codeId } } : undefined,
  };
}
