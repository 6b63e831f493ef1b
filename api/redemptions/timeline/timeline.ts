import { deliveriesOfEvents } from '../../../domains/gateway/deliveries-of-events.ts';
import { type AuditRow, listAuditLog } from '../../../domains/gateway/list-audit-log.ts';
import type { WebhookDelivery } from '../../../domains/gateway/read-webhook-deliveries.ts';
import type { RedemptionMilestones } from '../../../domains/gift-code/redemption-milestones.ts';
import type { TransferSummary } from '../../../domains/wallet/read-transfers.ts';
import { reversalTransferId } from '../../../platform/ids.ts';
import type { KeptEvent } from '../../../platform/outbox-find.ts';
import { unavailable } from '../../../platform/problems.ts';
import { inTime } from '../../../platform/within.ts';
import { redemptionWorkflowId, reversalWorkflowId } from '../../../workflows/contracts.ts';
import type { Services } from '../../services.ts';
import type { TimelineItem } from './item.ts';
import { redemptionItems, transferItems } from './rows.ts';
import { workflowItems } from './workflows.ts';

export interface Timeline {
  /** Oldest first. */
  items: TimelineItem[];
  /** Where something may be known that could not be asked. */
  unavailable: string[];
}

type Sources = Pick<Services, 'giftCode' | 'wallet' | 'gateway' | 'temporal' | 'logger'>;

const AUDIT_ENTRIES = 50;
/** What a source has not told by then it is asked for no longer. */
const TIMEOUT_MS = 10_000;

/**
 * All that is known of a redemption. What cannot be asked is named, and the rest is told. Nothing where it is unknown.
 * @throws DatabaseUnavailable for its row, Problem `unavailable` where nobody can tell whether there is one
 */
export async function redemptionTimeline(services: Sources, id: string): Promise<Timeline | undefined> {
  const { giftCode, wallet, gateway, temporal, logger } = services;
  const silent: string[] = [];
  const ask = async <T>(source: string, question: Promise<T[]>): Promise<T[]> => {
    try {
      return await inTime(TIMEOUT_MS, question);
    } catch (error) {
      logger.warn({ source, error: String(error) }, 'a timeline is told without a source');
      silent.push(source);
      return [];
    }
  };

  const row = await giftCode.redemptionMilestones(id);
  const [transfers, workflows, audit] = await Promise.all([
    ask('wallet', wallet.readTransfers([id, reversalTransferId(id)])),
    ask('temporal', allWorkflowItems(temporal, id, row)),
    ask('audit log', listAuditLog(gateway, { resource: id }, AUDIT_ENTRIES)),
  ]);
  if (!row && transfers.length === 0 && workflows.length === 0) {
    if (silent.length === 0) return undefined;
    throw unavailable(`No answer: ${silent.join(', ')}.`);
  }

  const [giftCodeEvents, walletEvents, deliveries] = await Promise.all([
    ask('gift-code outbox', row ? eventsOfRedemption(giftCode, row, transfers) : Promise.resolve([])),
    ask('wallet outbox', eventsOfTransfers(wallet, transfers)),
    ask('webhooks', deliveriesOfEvents(gateway, eventIds(id, row, transfers))),
  ]);
  const items: TimelineItem[] = [
    ...(row ? redemptionItems(row) : []),
    ...transferItems(transfers),
    ...workflows,
    ...[...giftCodeEvents, ...walletEvents].map(eventItem),
    ...deliveries.map(deliveryItem),
    ...audit.map(auditItem),
  ];
  return { items: items.sort((a, b) => a.at.getTime() - b.at.getTime()), unavailable: silent };
}

/** Its own workflow and its reversal's, where there are any; the one that its row names is said to be gone where it is. */
async function allWorkflowItems(
  temporal: Services['temporal'],
  id: string,
  row: RedemptionMilestones | undefined,
): Promise<TimelineItem[]> {
  const named = row?.workflowId;
  const ids = new Set([redemptionWorkflowId(id), reversalWorkflowId(id), ...(named ? [named] : [])]);
  const found = await Promise.all(
    [...ids].map(async (workflowId): Promise<TimelineItem[]> => {
      const items = await workflowItems(temporal, workflowId);
      if (items.length > 0 || workflowId !== named) return items;
      const detail = { workflow_id: workflowId };
      return [{ at: row?.settledAt ?? row?.createdAt ?? new Date(), source: 'workflow', what: 'gone by now', detail }];
    }),
  );
  return found.flat();
}

function eventsOfRedemption(
  giftCode: Services['giftCode'],
  row: RedemptionMilestones,
  transfers: TransferSummary[],
): Promise<KeptEvent[]> {
  const times = [row.createdAt, row.settledAt, row.stuckAt, ...transfers.map(({ createdAt }) => createdAt)];
  return giftCode.findEvents(
    row.id,
    versionsOf(row),
    times.filter((time) => time !== null),
  );
}

async function eventsOfTransfers(wallet: Services['wallet'], transfers: TransferSummary[]): Promise<KeptEvent[]> {
  const events = transfers.map(({ walletId, walletVersion, createdAt }) =>
    walletId && walletVersion ? wallet.findEvents(walletId, [walletVersion], [createdAt]) : [],
  );
  return (await Promise.all(events)).flat();
}

/** What events of the redemption are called, whether the outbox still has them or not. */
const eventIds = (id: string, row: RedemptionMilestones | undefined, transfers: TransferSummary[]): string[] => [
  ...(row ? versionsOf(row).map((version) => `redemption.${id}.${version}`) : []),
  ...transfers.map(({ walletId, walletVersion }) => `wallet.${walletId}.${walletVersion}`),
];

const versionsOf = ({ version }: RedemptionMilestones): bigint[] =>
  Array.from({ length: version }, (_, index) => BigInt(index + 1));

const eventItem = ({ id, type, occurredAt, publishedAt }: KeptEvent): TimelineItem => ({
  at: occurredAt,
  source: 'event',
  what: type,
  detail: { event_id: id, published_at: publishedAt?.toISOString() ?? null },
});

function deliveryItem(delivery: WebhookDelivery): TimelineItem {
  const { id, endpointId, eventId, eventType, state, attempts, lastStatus, lastError, nextAttemptAt } = delivery;
  return {
    at: delivery.settledAt ?? delivery.createdAt,
    source: 'webhook',
    what: `${eventType} ${state}`,
    detail: {
      delivery_id: id,
      endpoint_id: endpointId,
      event_id: eventId,
      attempts,
      last_status: lastStatus,
      last_error: lastError,
      next_attempt_at: state === 'pending' ? nextAttemptAt.toISOString() : null,
    },
  };
}

const auditItem = ({ createdAt, action, clientName, outcome, before, after }: AuditRow): TimelineItem => ({
  at: createdAt,
  source: 'audit',
  what: action,
  detail: { actor: clientName, outcome, before, after },
});
