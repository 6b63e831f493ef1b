import { z } from 'zod';
import { foldCode, GENERATED_LENGTH, MAX_CODE_LENGTH, readCode } from '../../../platform/code-text.ts';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { MAX_INTEGER, money, text, time } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { requestHash } from '../../request-hash.ts';
import { CODES_AT_ONCE, MAX_GENERATED, startOrLeave } from './generation.ts';
import { codeGroupJson, metadata } from './json.ts';

const givenCode = z.strictObject({
  code: z.string().transform((input, context) => {
    const reading = readCode(input);
    if (reading.ok) return reading.text;
    context.addIssue({ code: 'custom', message: 'must be 4 to 32 letters and digits' });
    return z.NEVER;
  }),
  max_redemptions: z.int().min(1).max(MAX_INTEGER).default(1),
});

const body = z
  .strictObject({
    name: text(200),
    amount: money,
    count: z.int().min(1).max(MAX_GENERATED).optional(),
    codes: z.array(givenCode).min(1).max(CODES_AT_ONCE).optional(),
    prefix: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9]+$/, 'must be letters and digits')
      .max(MAX_CODE_LENGTH - GENERATED_LENGTH)
      .transform((input) => input.toUpperCase())
      .optional(),
    starts_at: time.optional(),
    ends_at: time.optional(),
    per_wallet_limit: z.int().min(1).max(MAX_INTEGER).optional(),
    budget: money.optional(),
    metadata: metadata.optional(),
  })
  .superRefine((group, context) => {
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    if ((group.count === undefined) === (group.codes === undefined)) refuse(['count'], 'send either count or codes');
    if (group.codes && group.prefix !== undefined) refuse(['prefix'], 'is for generated codes');
    if (group.starts_at && group.ends_at && group.starts_at >= group.ends_at)
      refuse(['ends_at'], 'must be after starts_at');
    if (group.budget && group.budget.currency !== group.amount.currency) {
      refuse(['budget', 'currency'], 'must be that of the amount');
    }
    const seen = new Set<string>();
    for (const [index, { code }] of (group.codes ?? []).entries()) {
      const folded = foldCode(code);
      if (seen.has(folded)) refuse(['codes', index, 'code'], 'is there twice (O reads as 0, I and L as 1)');
      seen.add(folded);
    }
  });

export const createCodeGroupOperation = operation({
  method: 'POST',
  path: '/v1/code-groups',
  summary: 'Create a code group with generated or given codes',
  scope: 'groups:write',
  action: 'code_group.create',
  body,
  idempotent: true,
  sends: ['Location'],
  answers: { 201: answers.codeGroupWithCodes, 202: answers.codeGroup },
  problems: ['conflict', 'idempotency-key-reused', 'unavailable'],
  async handle({ body, caller, idempotencyKey, services }, change) {
    const count = body.count ?? 0;
    const isLarge = count > CODES_AT_ONCE;
    const result = await change(
      services.giftCode.createCodeGroup({
        id: idFor(caller.clientId, 'code-groups', idempotencyKey),
        clientId: caller.clientId,
        name: body.name,
        amount: body.amount.value,
        currency: body.amount.currency,
        prefix: body.prefix ?? null,
        startsAt: body.starts_at ?? null,
        endsAt: body.ends_at ?? null,
        perWalletLimit: body.per_wallet_limit ?? null,
        budget: body.budget?.value ?? null,
        metadata: body.metadata ?? {},
        requestHash: requestHash(body),
        codes: isLarge
          ? { background: count }
          : (body.codes?.map((code) => ({ text: code.code, maxRedemptions: code.max_redemptions })) ?? count),
      }),
    );
    if (!result.ok) {
      if (result.reason === 'idempotency-key-reused') throw new Problem('idempotency-key-reused');
      const errors = result.positions.map((position) => ({
        pointer: `/codes/${position}/code`,
        detail: 'exists already',
      }));
      throw new Problem('conflict', { detail: 'Some of these codes exist already.', members: { errors } });
    }
    await services.givenCodeLengths.refresh();
    services.wrote('gift-code');
    const { generation } = result.group;
    if (generation?.state === 'running')
      await startOrLeave(services, { generationId: generation.id, total: generation.total });
    const group = codeGroupJson(result.group);
    const resource = { type: 'code_group', id: group.id } as const;
    return {
      status: isLarge ? 202 : 201,
      body: isLarge ? group : { ...group, codes: result.codes },
      // A repeat makes nothing, but shows the codes again.
      audit: result.replayed
        ? isLarge
          ? undefined
          : { action: 'code.reveal', resource }
        : { action: 'code_group.create', resource, after: group },
      headers: { Location: `/v1/code-groups/${group.id}` },
      replayed: result.replayed,
    };
  },
});
