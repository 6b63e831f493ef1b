-- What every event about a movement of a wallet, or about a void, tells, as JSON; `redemption_id` is that of the redemption it
-- is for, if any. Not immutable, since concat is not: the planner would call it row by row instead of taking its body.
create or replace function wallet_data_1(
  wallet_id uuid, kind text, transaction_id uuid, redemption_id uuid, amount bigint, currency text, balance bigint, reason text
) returns text language sql stable as $$
  select concat('{"wallet_id":"', wallet_id, '","kind":"', kind, '"',
    ',"transaction_id":"' || transaction_id || '"', ',"redemption_id":"' || redemption_id || '"',
    ',"amount":{"value":' || amount || ',"currency":"' || currency || '"}',
    ',"balance":{"value":' || balance || ',"currency":"' || currency || '"}',
    ',"reason":' || to_json(reason), '}')
$$;
