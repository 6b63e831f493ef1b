import type { OutboxStatus } from '../../../platform/outbox-status.ts';
import type { SagaPart } from '../../../workflows/contracts.ts';
import { answers } from '../../answers.ts';
import { operation } from '../../operation.ts';

export const getOutbox = operation({
  method: 'GET',
  path: '/v1/outbox',
  summary: 'How far the publishing of events is behind, by part',
  scope: 'ops:read',
  answers: { 200: answers.outbox },
  problems: ['unavailable'],
  async handle({ services }) {
    const [giftCode, wallet] = await Promise.all([services.giftCode.outboxStatus(), services.wallet.outboxStatus()]);
    return { status: 200, body: { parts: [statusJson('gift-code', giftCode), statusJson('wallet', wallet)] } };
  },
});

const statusJson = (part: SagaPart, status: OutboxStatus) => ({
  part,
  unpublished: status.unpublished,
  oldest_unpublished_at: status.oldestUnpublishedAt?.toISOString() ?? null,
  lag_seconds: status.lagSeconds,
  last_published_at: status.lastPublishedAt?.toISOString() ?? null,
  kept_since: status.keptSince?.toISOString() ?? null,
});
