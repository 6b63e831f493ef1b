import type {
  ApiKey,
  Code,
  CodeGroup,
  Reconciliation,
  Redemption,
  Timeline,
  Transaction,
  Wallet,
  WebhookDelivery,
  WebhookEndpoint,
} from '../api-types.ts';

/** A redemption and what happened to it. */
export interface RedemptionStory {
  redemption: Redemption;
  timeline: Timeline;
}

/** What a code, phone or id turned out to be, and what there is to tell of it; lists are newest first. */
export type Explanation =
  | { kind: 'redemption'; subject: Redemption; stories: RedemptionStory[] }
  | { kind: 'code'; subject: Code; stories: RedemptionStory[] }
  | { kind: 'code group'; subject: CodeGroup; redemptions: Redemption[] }
  | {
      kind: 'phone' | 'wallet';
      wallets: { wallet: Wallet; transactions: Transaction[] }[];
      redemptions: Redemption[];
    }
  | { kind: 'webhook delivery'; subject: WebhookDelivery; stories?: RedemptionStory[] }
  | { kind: 'webhook endpoint'; subject: WebhookEndpoint }
  | { kind: 'API key'; subject: ApiKey }
  | { kind: 'reconciliation'; subject: Reconciliation };
