import { z } from 'zod';
import { codeHashCandidates } from '../../../domains/gift-code/read-codes.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { label, phone } from '../../fields.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import { pendingJson, redemptionJson, serverTiming } from '../../redemptions/redemption-json.ts';

/** Not in the audit log: a redemption is its own record, of who, what and when. */
export const createRedemption = (region: string | undefined) =>
  operation({
    method: 'POST',
    path: '/v1/redemptions',
    summary: 'Redeem a code into the wallet of a phone',
    scope: 'redemptions:write',
    body: z.strictObject({ code: z.string().min(1).max(128), phone: phone(region), reference: label(255).optional() }),
    takesCode: true,
    idempotent: true,
    waits: true,
    sends: ['Location', 'Server-Timing'],
    answers: { 201: answers.redemption, 202: answers.anyRedemption },
    problems: [
      'code-malformed',
      'code-not-found',
      'code-already-redeemed',
      'code-reserved',
      'code-exhausted',
      'code-disabled',
      'group-disabled',
      'code-not-started',
      'code-expired',
      'per-wallet-limit',
      'budget-exhausted',
      'wallet-frozen',
      'balance-limit',
      'conflict',
      'idempotency-key-reused',
      'unavailable',
      'outcome-unknown',
    ],
    async handle({ body, caller, idempotencyKey, waitSeconds, services }) {
      const hashes = codeHashCandidates(services.codeKeys, body.code, services.givenCodeLengths.has);
      if (hashes.length === 0) throw new Problem('code-malformed');

      const answer = await services.redemptions.redeem({
        redemptionId: idFor(caller.clientId, 'redemptions', idempotencyKey),
        isNew: idempotencyKey === undefined,
        hashes,
        phone: body.phone,
        reference: body.reference,
        clientId: caller.clientId,
        waitMs: (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1000,
      });
      const { view, replayed } = answer;
      const headers = { Location: `/v1/redemptions/${answer.redemptionId}`, ...serverTiming(answer.times) };
      const traceUrl = caller.may('ops:read') ? services.traceUrl : undefined;
      if (!answer.completed) {
        const json = view
          ? redemptionJson(view.row, view.side, traceUrl)
          : pendingJson(
              answer.redemptionId,
              await services.redemptions.pending(answer.redemptionId),
              answer.workflowId,
              traceUrl,
            );
        return { status: 202, body: json, headers, replayed };
      }
      if (!view) throw new Error('a completed redemption without its rows');
      return { status: 201, body: redemptionJson(view.row, view.side, traceUrl), headers, replayed };
    },
  });
