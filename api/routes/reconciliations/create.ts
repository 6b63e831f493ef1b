import { idFor } from '../../../platform/ids.ts';
import { answers } from '../../answers.ts';
import { DEFAULT_WAIT_SECONDS } from '../../http/headers.ts';
import { operation } from '../../operation.ts';
import { reconciliationJson } from './json.ts';

export const createReconciliation = operation({
  method: 'POST',
  path: '/v1/reconciliations',
  summary: 'Prove the books: every sum, and every redemption against its credit. Joins a proof that is running',
  scope: 'ops:write',
  action: 'reconciliation.create',
  idempotent: true,
  waits: true,
  sends: ['Location'],
  answers: { 201: answers.reconciliation, 202: answers.reconciliation },
  problems: ['unavailable'],
  async handle({ caller, idempotencyKey, waitSeconds, services }, change) {
    const waitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * 1_000;
    const id = idFor(caller.clientId, 'reconciliations', idempotencyKey);
    const { reconciliation, begun } = await change(services.reconciler.run(id, waitMs));
    const isOver = reconciliation.state !== 'running';
    return {
      status: isOver ? 201 : 202,
      body: reconciliationJson(reconciliation),
      headers: { Location: `/v1/reconciliations/${reconciliation.id}` },
      replayed: !begun && reconciliation.id === id,
      audit: begun
        ? { action: 'reconciliation.create', resource: { type: 'reconciliation', id: reconciliation.id } }
        : undefined,
    };
  },
});
