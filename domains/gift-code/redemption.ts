/** A row of `redemptions` with the code and group it belongs to, as read_redemptions_1 and confirm_1 answer it. */
export interface RedemptionRow {
  id: string;
  state: 'reserved' | 'completed' | 'released' | 'refused' | 'reversed';
  reason: string | null;
  /** Minor units. */
  amount: bigint;
  currency: string;
  reference: string | null;
  /** Which use of its code this redemption was, from 1. */
  use_number: number | null;
  workflow_id: string;
  client_id: string;
  wallet_id: string;
  code_id: string;
  last4: string;
  max_redemptions: number;
  group_id: string;
  group_name: string;
  created_at: Date;
  settled_at: Date | null;
}
