import { z } from 'zod';

// What the API answers, by the names the OpenAPI document has for it. Every answer that a test of ours gets is checked
// against these, so that they cannot drift from what is sent. Members may be added; clients ignore those they do not know.

const id = z.uuid();
const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0);
const phone = z.string().meta({ description: 'E.164' });

const money = z.object({ value: z.int(), currency: z.string() }).meta({
  id: 'Money',
  description: 'Minor units, and an ISO 4217 code',
});

/** A sum may be more than any one amount. */
const sum = z.object({ value: z.number(), currency: z.string() }).meta({
  id: 'Sum',
  description: 'Minor units, exact up to 2^53, and an ISO 4217 code',
});

/** A page of a list, newest first. */
export const pageOf = (item: z.ZodType) =>
  z.object({
    items: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Sent as `cursor`, brings the next page; null: this is all' }),
  });

const trace = {
  workflow_id: z.string().optional().meta({ description: 'Only with `ops:read`' }),
  trace_url: z.string().nullable().optional().meta({ description: 'Only with `ops:read`' }),
};

const stuck = z.object({
  step: z.string(),
  since: instant.meta({ description: 'When the workflow that waits was started' }),
  attempts: count,
  last_error: z.string().nullable(),
  next_attempt_at: instant.nullable(),
});

const redemption = z
  .object({
    id,
    state: z.enum(['reserved', 'completed', 'released', 'refused', 'reversed']),
    reason: z.string().optional().meta({ description: 'Why it was refused, released or reversed' }),
    amount: money,
    reference: z.string().nullable(),
    code: z.object({
      id,
      group_id: id,
      group_name: z.string(),
      last4: z.string(),
      redemptions: count.nullable().meta({ description: 'Which use of the code this is, from 1' }),
      max_redemptions: z.int().min(1),
    }),
    wallet: z.object({
      id,
      phone: phone.nullable(),
      balance: money.nullable().meta({ description: 'As this redemption left it' }),
    }),
    transaction_id: id.nullable(),
    ...trace,
    created_at: instant,
    completed_at: instant.nullable(),
    stuck: stuck.optional().meta({ description: 'Where it waits, and for what' }),
  })
  .meta({ id: 'Redemption' });

const pendingRedemption = z
  .object({
    id,
    state: z.literal('pending'),
    amount: z.null(),
    reference: z.string().nullable(),
    code: z.object({ id, group_id: id }).nullable(),
    wallet: z.object({ id }).nullable(),
    transaction_id: z.null(),
    ...trace,
    created_at: instant.nullable(),
    completed_at: z.null(),
    stuck: stuck.optional(),
  })
  .meta({ id: 'PendingRedemption', description: 'Accepted, and without a row yet' });

const anyRedemption = z.union([redemption, pendingRedemption]);

const codeCheck = z.object({
  redeemable: z.boolean(),
  reason: z.string().optional().meta({ description: 'The code of the problem that redeeming it would bring' }),
  amount: money.optional(),
});

const codeGroup = z
  .object({
    id,
    name: z.string(),
    amount: money,
    prefix: z.string().nullable(),
    starts_at: instant.nullable(),
    ends_at: instant.nullable(),
    per_wallet_limit: z.int().nullable(),
    budget: money.nullable(),
    disabled: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    codes_count: count,
    generation: z
      .object({ state: z.enum(['running', 'done', 'cancelled', 'failed']), made: count, total: count })
      .optional()
      .meta({ description: 'The latest, where codes were made in the background' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'CodeGroup' });

const codeGroupWithCodes = codeGroup
  .extend({ codes: z.array(z.object({ id, code: z.string() })) })
  .meta({ id: 'CodeGroupWithCodes', description: 'Only this answer and its repeats show the codes' });

const codeState = z.enum(['disabled', 'used', 'reserved', 'partly_used', 'unused']);

const code = z
  .object({
    id,
    code: z.string().optional().meta({ description: 'Only with `codes:reveal`' }),
    last4: z.string().meta({ description: 'Of a code of less than 8 characters, those after the fourth' }),
    state: codeState,
    group: z.object({ id, name: z.string() }),
    amount: money,
    disabled: z.boolean(),
    max_redemptions: z.int().min(1),
    redeemed: count,
    reserved: count,
    created_at: instant,
  })
  .meta({ id: 'Code' });

const codeUse = z.object({
  id,
  phone: phone.nullable(),
  wallet_id: id,
  transaction_id: id.nullable(),
  state: z.string(),
  created_at: instant,
  completed_at: instant.nullable(),
});

const codeDetails = code.extend({ redemptions: z.array(codeUse) }).meta({ id: 'CodeDetails' });

const listedCode = code
  .extend({
    redemption: codeUse
      .nullable()
      .meta({ description: 'Of a code that can be redeemed but once: the one that has it' }),
  })
  .meta({ id: 'ListedCode' });

const codesImport = z.object({
  imported: count,
  duplicates: count,
  invalid: z.array(z.object({ line: z.int(), reason: z.string() })),
  invalid_total: count,
});

const stats = z
  .object({
    codes: z.object({ total: count, unused: count, reserved: count, partly_used: count, used: count, disabled: count }),
    places: z.object({ total: count, redeemed: count, reserved: count, left: count }),
    redemptions: z.object({ completed: count, reversed: count }),
    credited: sum,
    redeemers: count,
    first_redeemed_at: instant.nullable(),
    last_redeemed_at: instant.nullable(),
    per_day: z.array(z.object({ date: z.iso.date(), redemptions: count, credited: sum })),
  })
  .meta({ id: 'CodeGroupStats' });

const redeemer = z.object({
  phone: phone.nullable(),
  wallet_id: id,
  redemptions: count,
  credited: sum,
  last_redeemed_at: instant,
});

const wallet = z
  .object({ id, phone, balance: money, state: z.enum(['active', 'frozen']), created_at: instant })
  .meta({ id: 'Wallet' });

const transaction = z
  .object({
    id,
    kind: z.enum(['redemption', 'credit', 'debit', 'reversal']),
    direction: z.enum(['credit', 'debit']),
    amount: money,
    balance_after: money,
    reference: z.string().nullable(),
    note: z.string().nullable(),
    redemption_id: id.optional().meta({ description: 'Of a redemption, or of its reversal' }),
    created_at: instant,
  })
  .meta({ id: 'Transaction' });

const apiKey = z
  .object({
    id,
    name: z.string(),
    client_id: id,
    scopes: z.array(z.string()),
    last4: z.string(),
    created_at: instant,
    last_used_at: instant.nullable(),
    revoked_at: instant.nullable(),
  })
  .meta({ id: 'ApiKey' });

const newApiKey = apiKey
  .extend({ key: z.string().nullable().meta({ description: 'Shown this once; a repeat has null here' }) })
  .meta({ id: 'NewApiKey' });

const auditEntry = z
  .object({
    id: z.int(),
    action: z.string(),
    outcome: z.enum(['done', 'unknown']),
    actor: z.object({ client_id: id, key_id: id.nullable(), name: z.string() }),
    resource: z.object({ type: z.string(), id: id.nullable() }),
    request_id: id,
    remote_address: z.string(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    created_at: instant,
  })
  .meta({ id: 'AuditEntry' });

const webhookEndpoint = z
  .object({
    id,
    url: z.url(),
    event_types: z.array(z.string()),
    disabled: z.boolean(),
    disabled_reason: z.string().nullable(),
    disabled_at: instant.nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'WebhookEndpoint' });

const secret = z.string().meta({ description: '`whsec_…`, as Standard Webhooks has it' });
const newWebhookEndpoint = webhookEndpoint.extend({ secret }).meta({ id: 'NewWebhookEndpoint' });
const webhookSecret = z.object({ id, secret });

const webhookDelivery = z
  .object({
    id,
    endpoint_id: id,
    event_id: z.string(),
    event_type: z.string(),
    state: z.enum(['pending', 'delivered', 'dead']),
    attempts: count,
    next_attempt_at: instant.nullable(),
    last_status: z.int().nullable(),
    last_error: z.string().nullable(),
    created_at: instant,
    settled_at: instant.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });

const part = z.enum(['gift-code', 'wallet']);
const outbox = z.object({
  parts: z.array(
    z.object({
      part,
      unpublished: count,
      oldest_unpublished_at: instant.nullable(),
      lag_seconds: z.number(),
      last_published_at: instant.nullable(),
      kept_since: instant.nullable(),
    }),
  ),
});
const outboxReplay = z.object({ part, replayed: count });

const reconciliation = z
  .object({
    id,
    state: z.enum(['running', 'balanced', 'unbalanced', 'failed']),
    checked: z.object({ codes: count, redemptions: count, wallets: count, transfers: count }).nullable(),
    in_flight: count.nullable(),
    totals: z.array(z.object({ redeemed: sum, credited: sum })).nullable(),
    fault_count: count.nullable(),
    faults: z.array(z.object({ rule: z.string(), id: z.string(), detail: z.string() })).nullable(),
    error: z.string().nullable(),
    created_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'Reconciliation' });

const timeline = z
  .object({
    items: z.array(
      z.object({
        at: instant,
        source: z.enum(['row', 'event', 'workflow', 'webhook', 'audit']),
        what: z.string(),
        detail: z.record(z.string(), z.unknown()),
      }),
    ),
    unavailable: z.array(z.string()).meta({ description: 'Sources that did not answer' }),
  })
  .meta({ id: 'Timeline' });

const diagnostics = z
  .object({
    version: z.string(),
    scopes: z.array(z.string()).meta({ description: 'Of the key that asks' }),
    checks: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['ok', 'warning', 'failed']),
        detail: z.string(),
        action: z.string().nullable().meta({ description: 'What to do about it' }),
      }),
    ),
  })
  .meta({ id: 'Diagnostics' });

const retriedRedemptions = z.object({ step: z.string(), retried: count });

export const answers = {
  redemption,
  anyRedemption,
  retriedRedemptions,
  codeCheck,
  codeGroup,
  codeGroupWithCodes,
  listedCode,
  codeDetails,
  codesImport,
  stats,
  redeemer,
  wallet,
  transaction,
  apiKey,
  newApiKey,
  auditEntry,
  webhookEndpoint,
  newWebhookEndpoint,
  webhookSecret,
  webhookDelivery,
  outbox,
  outboxReplay,
  reconciliation,
  timeline,
  diagnostics,
};
