import type { RedemptionRow } from '../domains/gift-code/redemption.ts';
import type { SettlementRow } from '../domains/wallet/settlement.ts';
import type { HandOver } from '../workflows/contracts.ts';

/** The steps whose times are told with a redemption's answer. */
export type TimedStep = 'reserve' | 'credit' | 'confirm';

/**
 * Where activities leave word of what they did, so that the gateway of the same process can answer without asking Temporal
 * or the databases. It is a short cut and no more: who hears nothing reads the rows.
 */
export interface Progress {
  /** Milliseconds. */
  took(redemptionIds: string[], step: TimedStep, ms: number): void;
  credited(settlements: SettlementRow[]): void;
  completed(redemptions: RedemptionRow[]): void;
  ended(redemptionId: string, ending: { outcome: 'refused' | 'released'; reason: string }): void;
  handedOver(notice: HandOver): void;
  /** Commits made events: the relay need not wait for its poll. */
  wrote(): void;
}
