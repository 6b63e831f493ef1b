import type { WebhookEndpoint } from '../../../domains/gateway/read-webhook-endpoints.ts';

/** An endpoint as the API shows it. Only the answers that made a secret have it, as `secret`. */
export function webhookEndpointJson(endpoint: WebhookEndpoint) {
  return {
    id: endpoint.id,
    url: endpoint.url,
    event_types: endpoint.eventTypes,
    disabled: endpoint.disabledAt !== null,
    disabled_reason: endpoint.disabledReason,
    disabled_at: endpoint.disabledAt?.toISOString() ?? null,
    created_at: endpoint.createdAt.toISOString(),
    updated_at: endpoint.updatedAt.toISOString(),
  };
}

/** What the audit log keeps of an endpoint. */
export const auditedEndpoint = ({ url, eventTypes, disabledReason }: WebhookEndpoint) => ({
  url,
  event_types: eventTypes,
  disabled_reason: disabledReason,
});
