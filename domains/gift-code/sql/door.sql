-- What the door asks before a redemption is accepted, many at once and without a lock: has this redemption id its row
-- already, which code is meant, and what would refuse it now. One row an item, in the order given. `hashes` holds the
-- candidates of all items, most likely first, `hash_items` the item (from 1) each belongs to. `at` is this database's
-- clock, the time at which windows are judged from here on.
create or replace function door_2(ids uuid[], hashes bytea[], hash_items integer[])
returns table (at timestamptz, known_state text, code_id uuid, group_id uuid, currency text, refusal text, is_limited boolean)
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  select clock.at, r.state, c.id, c.group_id, c.currency::text,
    coalesce(
      refusal_1(c.group_disabled, c.disabled, c.starts_at, c.ends_at, clock.at,
        c.max_redemptions - c.reserved - c.redeemed, c.max_redemptions, c.reserved),
      case when c.budget_used + c.amount > c.budget then 'budget-exhausted' end),
    c.per_wallet_limit is not null
  from unnest(ids) with ordinality i(id, position)
  -- Once: with a volatile argument, refusal_1 would be called row by row instead of being taken in.
  cross join (select clock_timestamp() as at offset 0) clock
  left join lateral (select state from redemptions where id = i.id offset 0) r on true
  left join (
    select distinct on (k.item) k.item, h.code_id
    from unnest(hashes, hash_items) with ordinality k(hash, item, rank)
    cross join lateral (select code_id from code_hashes where hash = k.hash offset 0) h
    order by k.item, k.rank
  ) found on found.item = i.position
  left join lateral (
    select c.*, g.currency, g.disabled as group_disabled, g.starts_at, g.ends_at, g.amount, g.budget, g.budget_used,
      g.per_wallet_limit
    from codes c join code_groups g on g.id = c.group_id
    where c.id = found.code_id offset 0
  ) c on true
  order by i.position;
end $$;
