import type { Money } from '../platform/money.ts';

/** Answers of the REST API as this client reads them; members it does not show are left out, unknown ones are ignored. */

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** RFC 9457. */
export interface Problem {
  title?: string;
  detail?: string;
  code?: string;
  errors?: { pointer: string; detail: string }[];
  redemption_id?: string;
}

export interface Redemption {
  id: string;
  state: 'pending' | 'reserved' | 'completed' | 'released' | 'refused' | 'reversed';
  reason?: string | null;
  amount?: Money | null;
  reference?: string | null;
  code?: {
    id: string;
    group_id: string;
    group_name?: string;
    last4?: string;
    redemptions?: number | null;
    max_redemptions?: number;
  };
  wallet?: { id: string; phone: string; balance?: Money };
  transaction_id?: string | null;
  trace_url?: string | null;
  stuck?: {
    step: string;
    since: string;
    attempts: number;
    last_error: string | null;
    next_attempt_at: string | null;
  } | null;
  created_at?: string;
  completed_at?: string | null;
}

/** What happened to a redemption, oldest first. */
export interface Timeline {
  items: { at: string; source: string; what: string; detail: Record<string, unknown> }[];
  /** What could not be asked. */
  unavailable: string[];
}

export interface CodeGroup {
  id: string;
  name: string;
  amount: Money;
  prefix?: string | null;
  starts_at?: string | null;
  ends_at?: string | null;
  per_wallet_limit?: number | null;
  budget?: Money | null;
  disabled?: boolean;
  codes_count?: number;
  created_at: string;
  generation?: { state: 'running' | 'done' | 'cancelled' | 'failed'; made: number; total: number };
  /** In clear, only where the group was just created. */
  codes?: { id: string; code: string }[];
}

export interface GroupStats {
  codes?: Record<string, number>;
  places?: Record<string, number>;
  redemptions?: Record<string, number>;
  credited?: Money;
  redeemers?: number;
  first_redeemed_at?: string | null;
  last_redeemed_at?: string | null;
  /** Oldest first; days without any are left out. */
  per_day?: { date: string; redemptions: number; credited: Money }[];
}

export interface CodeCheck {
  redeemable: boolean;
  reason?: string;
  amount?: Money;
}

export interface Redeemer {
  phone: string | null;
  redemptions: number;
  credited: Money;
  last_redeemed_at: string;
}

export interface Code {
  id: string;
  /** Only with the scope `codes:reveal`. */
  code?: string;
  last4?: string;
  state: string;
  group?: { id: string; name: string };
  amount?: Money;
  max_redemptions?: number;
  /** How often it was redeemed. */
  redeemed?: number;
  /** In lists only: the one that has a code which can be redeemed but once. */
  redemption?: { id: string; phone: string | null; completed_at: string | null } | null;
  /** In details only. */
  redemptions?: { id: string; phone: string; state: string; completed_at: string | null }[];
  created_at?: string;
}

export interface Wallet {
  id: string;
  phone: string;
  balance: Money;
  state: string;
  created_at?: string;
}

export interface Transaction {
  id: string;
  kind: string;
  direction: 'credit' | 'debit';
  amount: Money;
  balance_after: Money;
  reference?: string | null;
  redemption_id?: string | null;
  note?: string | null;
  created_at: string;
}

export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  last4: string;
  /** The key itself, only where it was just made. */
  key?: string | null;
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface AuditEntry {
  action: string;
  outcome: string;
  actor: { name: string };
  resource: { id: string | null };
  remote_address: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  created_at: string;
}

export interface WebhookEndpoint {
  id: string;
  url: string;
  event_types: string[];
  /** Only where the endpoint was just made. */
  secret?: string;
  disabled_reason: string | null;
  created_at: string;
}

export interface WebhookDelivery {
  id: string;
  endpoint_id: string;
  event_id: string;
  event_type: string;
  state: 'pending' | 'delivered' | 'dead';
  attempts: number;
  next_attempt_at: string | null;
  last_status: number | null;
  last_error: string | null;
  created_at: string;
}

export interface OutboxPart {
  part: string;
  unpublished: number;
  oldest_unpublished_at: string | null;
  lag_seconds: number;
  last_published_at: string | null;
  kept_since: string | null;
}

export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  detail: string;
  /** What to do where it is not well. */
  action: string | null;
}

export interface Diagnostics {
  version: string;
  /** Of the key that asks. */
  scopes: string[];
  checks: Check[];
}

export interface Reconciliation {
  id: string;
  state: 'running' | 'balanced' | 'unbalanced' | 'failed';
  created_at: string;
  checked: Record<'codes' | 'redemptions' | 'wallets' | 'transfers', number> | null;
  in_flight: number | null;
  totals: { redeemed: Money; credited: Money }[] | null;
  fault_count: number | null;
  faults: { rule: string; id: string; detail: string }[] | null;
  error: string | null;
}
