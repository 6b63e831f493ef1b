-- Whether a code could be redeemed at a time, by a wallet if one is named: what reserve would answer if nothing else
-- happened until then. No row where no code has one of the hashes, most likely first.
create or replace function check_code_1(hashes bytea[], at timestamptz, wallet uuid)
returns table (code_id uuid, amount bigint, currency text, refusal text) language sql stable as $$
  select c.id, g.amount, g.currency::text, coalesce(
    refusal_1(g.disabled, c.disabled, g.starts_at, g.ends_at, coalesce(at, clock_timestamp()),
      c.max_redemptions - c.reserved - c.redeemed, c.max_redemptions, c.reserved),
    case when limit_reached_1(g.id, wallet) then 'per-wallet-limit' end,
    case when g.budget_used + g.amount > g.budget then 'budget-exhausted' end)
  from unnest(hashes) with ordinality k(hash, rank)
  join code_hashes h on h.hash = k.hash
  join codes c on c.id = h.code_id
  join code_groups g on g.id = c.group_id
  order by k.rank limit 1
$$;
