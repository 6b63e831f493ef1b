-- What every event about a redemption tells, as JSON. Not immutable, since concat is not: the planner would call it row by
-- row instead of taking its body.
create or replace function redemption_data_1(
  id uuid, code_id uuid, group_id uuid, wallet_id uuid, amount bigint, currency text, reference text
) returns text language sql stable as $$
  select concat('{"redemption_id":"', id, '","code_id":"', code_id, '","code_group_id":"', group_id,
    '","wallet_id":"', wallet_id, '","amount":{"value":', amount, ',"currency":"', currency,
    '"},"reference":', coalesce(to_json(reference)::text, 'null'), '}')
$$;
