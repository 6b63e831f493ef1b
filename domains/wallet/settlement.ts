/** What the wallet decided about a redemption, as credit_1 and void_1 answer it: a transfer, or a void with its reason. */
export interface SettlementRow {
  /** The redemption's id; that of its transfer too. */
  id: string;
  voided: boolean;
  reason: string | null;
  /** Minor units. */
  amount: bigint | null;
  /** Minor units: what the wallet held after this transfer. */
  balance_after: bigint | null;
  wallet_version: bigint | null;
  wallet_id: string | null;
  phone: string | null;
  currency: string | null;
  created_at: Date;
}
