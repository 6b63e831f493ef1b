-- What every event about a movement of a wallet, or about a void, tells. Not immutable, since jsonb_build_object is
-- not: the planner would call it row by row instead of taking its body.
create or replace function wallet_event_1(
  wallet_id uuid, transaction_id uuid, kind text, amount bigint, currency text, balance bigint, reason text
) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object('wallet_id', wallet_id, 'kind', kind,
    'transaction_id', case when amount is not null then transaction_id end,
    'redemption_id', case when kind in ('redemption', 'void') then transaction_id end,
    'amount', case when amount is not null then jsonb_build_object('value', amount, 'currency', currency) end,
    'balance', case when balance is not null then jsonb_build_object('value', balance, 'currency', currency) end,
    'reason', reason))
$$;
