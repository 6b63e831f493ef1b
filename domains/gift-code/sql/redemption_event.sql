-- What every event about a redemption tells. Not immutable, since jsonb_build_object is
-- not: the planner would call it row by row instead of taking its body.
create or replace function redemption_event_1(
  id uuid, code_id uuid, group_id uuid, wallet_id uuid, amount bigint, currency text, reference text
) returns jsonb language sql stable as $$
  select jsonb_build_object('redemption_id', id, 'code_id', code_id, 'code_group_id', group_id, 'wallet_id', wallet_id,
    'amount', jsonb_build_object('value', amount, 'currency', currency), 'reference', reference)
$$;
