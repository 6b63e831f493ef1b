import type { Config } from '../../platform/config.ts';
import type { Operation } from '../operation.ts';
import { createApiKey } from './api-keys/create.ts';
import { getApiKey, listApiKeys } from './api-keys/read.ts';
import { revokeApiKey } from './api-keys/revoke.ts';
import { rotateApiKey } from './api-keys/rotate.ts';
import { listAuditLogOperation } from './audit-log/list.ts';
import { createCodeCheck } from './code-checks/create.ts';
import { addCodesOperation } from './code-groups/add-codes.ts';
import { cancelGenerationOperation } from './code-groups/cancel-generation.ts';
import { listCodesOperation } from './code-groups/codes.ts';
import { createCodeGroupOperation } from './code-groups/create.ts';
import { exportCodesOperation } from './code-groups/export.ts';
import { getCodeGroup } from './code-groups/get.ts';
import { listCodeGroupsOperation } from './code-groups/list.ts';
import { listRedeemersOperation } from './code-groups/redeemers.ts';
import { codeGroupStatsOperation } from './code-groups/stats.ts';
import { updateCodeGroupOperation } from './code-groups/update.ts';
import { getCode, lookUpCode, updateCodeOperation } from './codes/read.ts';
import { getDiagnostics } from './diagnostics/get.ts';
import { replayOutboxOperation } from './outbox/replay.ts';
import { getOutbox } from './outbox/status.ts';
import { createReconciliation } from './reconciliations/create.ts';
import { getReconciliation, listReconciliationsOperation } from './reconciliations/read.ts';
import { abortRedemption } from './redemptions/abort.ts';
import { createRedemption } from './redemptions/create.ts';
import { getRedemption } from './redemptions/get.ts';
import { listRedemptionsOperation } from './redemptions/list.ts';
import { retryRedemption, retryStuckRedemptions } from './redemptions/retry.ts';
import { reverseRedemptionOperation } from './redemptions/reverse.ts';
import { getRedemptionTimeline } from './redemptions/timeline.ts';
import { createWallet } from './wallets/create.ts';
import { getWallet } from './wallets/get.ts';
import { listWalletsOperation } from './wallets/list.ts';
import { creditWallet, debitWallet } from './wallets/post-transfer.ts';
import { listTransactions } from './wallets/transactions.ts';
import { updateWalletOperation } from './wallets/update.ts';
import { getWebhookDelivery } from './webhook-deliveries/get.ts';
import { retryWebhookDeliveryOperation } from './webhook-deliveries/retry.ts';
import { createWebhookEndpointOperation } from './webhook-endpoints/create.ts';
import { deleteWebhookEndpointOperation } from './webhook-endpoints/delete.ts';
import { listWebhookDeliveriesOperation } from './webhook-endpoints/deliveries.ts';
import { getWebhookEndpoint, listWebhookEndpointsOperation } from './webhook-endpoints/read.ts';
import { rotateWebhookSecretOperation } from './webhook-endpoints/rotate-secret.ts';
import { testWebhookEndpoint } from './webhook-endpoints/send-test.ts';
import { updateWebhookEndpointOperation } from './webhook-endpoints/update.ts';

/** Every operation of the API. */
export function operations({ region, webhooks }: Config): Operation[] {
  return [
    createRedemption(region),
    getRedemption,
    getRedemptionTimeline,
    listRedemptionsOperation(region),
    abortRedemption,
    retryStuckRedemptions,
    retryRedemption,
    reverseRedemptionOperation,
    createCodeCheck(region),
    createCodeGroupOperation,
    getCodeGroup,
    listCodeGroupsOperation,
    updateCodeGroupOperation,
    codeGroupStatsOperation,
    cancelGenerationOperation,
    addCodesOperation,
    listCodesOperation,
    exportCodesOperation,
    listRedeemersOperation,
    getCode,
    lookUpCode,
    updateCodeOperation,
    createWallet(region),
    getWallet,
    listWalletsOperation(region),
    updateWalletOperation,
    creditWallet,
    debitWallet,
    listTransactions,
    createApiKey,
    getApiKey,
    listApiKeys,
    rotateApiKey,
    revokeApiKey,
    listAuditLogOperation,
    createWebhookEndpointOperation(webhooks.allowPrivate),
    getWebhookEndpoint,
    listWebhookEndpointsOperation,
    updateWebhookEndpointOperation(webhooks.allowPrivate),
    deleteWebhookEndpointOperation,
    testWebhookEndpoint,
    rotateWebhookSecretOperation,
    listWebhookDeliveriesOperation,
    getWebhookDelivery,
    retryWebhookDeliveryOperation,
    getOutbox,
    replayOutboxOperation,
    createReconciliation,
    listReconciliationsOperation,
    getReconciliation,
    getDiagnostics,
  ];
}
