-- What the door asks before a redemption is accepted, many at once and without a lock: has this redemption id its row
-- already, which code is meant, and what would refuse it now. One row an item, in the order given. `hashes` holds the
-- candidates of all items, most likely first, `hash_items` the item (from 1) each belongs to. `at` is this database's
-- clock, the time at which windows are judged from here on.
create or replace function door_1(ids uuid[], hashes bytea[], hash_items integer[])
returns table (at timestamptz, known_state text, code_id uuid, group_id uuid, currency text, refusal text)
language sql stable as $$
  select clock.at, r.state, c.id, c.group_id, g.currency::text,
    refusal_1(g.disabled, c.disabled, g.starts_at, g.ends_at, clock.at,
      c.max_redemptions - c.reserved - c.redeemed, c.max_redemptions, c.reserved)
  from unnest(ids) with ordinality i(id, position)
  -- Once: with a volatile argument, refusal_1 would be called row by row instead of being taken in.
  cross join (select clock_timestamp() as at offset 0) clock
  left join redemptions r on r.id = i.id
  left join (
    select distinct on (k.item) k.item, h.code_id
    from unnest(hashes, hash_items) with ordinality k(hash, item, rank)
    join code_hashes h on h.hash = k.hash
    order by k.item, k.rank
  ) found on found.item = i.position
  left join codes c on c.id = found.code_id
  left join code_groups g on g.id = c.group_id
  order by i.position
$$;
