import type { Reconciliation } from '../../../domains/gateway/reconciliations.ts';
import type { Findings } from '../../reconciliations/reconcile.ts';

export function reconciliationJson({ id, state, findings, error, createdAt, finishedAt }: Reconciliation) {
  const found = findings as (Findings & { faultCount: number }) | null;
  return {
    id,
    state,
    checked: found?.checked ?? null,
    in_flight: found?.inFlight ?? null,
    totals:
      found?.totals.map(({ currency, redeemed, credited }) => {
        return {
          redeemed: { value: Number(redeemed), currency },
          credited: { value: Number(credited), currency },
        };
      }) ?? null,
    fault_count: found?.faultCount ?? null,
    faults: found?.faults ?? null,
    error,
    created_at: createdAt.toISOString(),
    finished_at: finishedAt?.toISOString() ?? null,
  };
}
