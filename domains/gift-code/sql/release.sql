-- Gives back what reserve took, for redemptions that the wallet has voided. One state an item, in the order given.
-- A redemption without a row gets one that says `released`, so that a late reserve finds it and strands nothing.
--
-- Concurrency: the locks of reserve, in its order. The tombstone is written under the code's lock, which reserve of
-- the same redemption needs first: one of the two comes second and sees the other's row.
-- Repeated, or after any other final verdict: the row is answered as it is; nothing is written.
create or replace function release_1(
  ids uuid[], code_ids uuid[], wallet_ids uuid[], client_ids uuid[], item_references text[], reasons text[],
  workflow text, deadline timestamptz
) returns table (state text, reason text)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  if clock_timestamp() >= deadline then
    raise exception 'release: its deadline has passed' using errcode = 'VS001';
  end if;

  perform pg_advisory_xact_lock_shared(hashtextextended(g.group_id::text, 0))
  from (select distinct group_id from codes where id = any(code_ids) order by group_id) g;
  perform 1 from code_groups
  where id in (select group_id from codes where id = any(code_ids)) and budget is not null
  order by id for no key update;
  perform 1 from codes where id = any(code_ids) order by id for no key update;
  perform lock_uses_1(code_ids, wallet_ids);
  perform 1 from redemptions where id = any(ids) order by id for no key update;

  with released as (
    update redemptions r
    set state = 'released', reason = i.reason, settled_at = now(), version = r.version + 1, workflow_id = workflow
    from unnest(ids, reasons) i(id, reason)
    where r.id = i.id and r.state = 'reserved'
    returning r.id, r.version, r.code_id, r.group_id, r.wallet_id, r.amount, r.currency, r.reference, true as held_place
  ), tombstones as (
    insert into redemptions (id, code_id, group_id, wallet_id, client_id, reference, amount, currency, state, reason,
      workflow_id, created_at, settled_at)
    select i.id, i.code_id, g.id, i.wallet_id, i.client_id, i.reference, g.amount, g.currency, 'released', i.reason,
      workflow, now(), now()
    from unnest(ids, code_ids, wallet_ids, client_ids, item_references, reasons)
      i(id, code_id, wallet_id, client_id, reference, reason)
    cross join lateral (select * from codes where id = i.code_id offset 0) c
    cross join lateral (select * from code_groups where id = c.group_id offset 0) g
    order by i.id
    on conflict do nothing
    returning id, version, code_id, group_id, wallet_id, amount, currency, reference, false as held_place
  ), settled as (
    select * from released union all select * from tombstones
  ), places as (
    update codes c set reserved = c.reserved - n.uses
    from (select code_id, count(*)::integer as uses from settled where held_place group by code_id) n
    where c.id = n.code_id
  ), uses as (
    -- The rows are there, locked. An update would join them, an upsert goes by their key: see docs/adr/0019.
    insert into wallet_uses as u (group_id, wallet_id, uses)
    select n.group_id, n.wallet_id, n.uses
    from (select group_id, wallet_id, count(*)::integer as uses from settled where held_place group by 1, 2) n
    cross join lateral (select from code_groups where id = n.group_id and per_wallet_limit is not null offset 0) g
    on conflict (group_id, wallet_id) do update set uses = u.uses - excluded.uses
  ), budgets as (
    update code_groups g set budget_used = g.budget_used - n.amount
    from (select group_id, sum(amount)::bigint as amount from settled where held_place group by group_id) n
    where g.id = n.group_id and g.budget is not null
  )
  insert into outbox_batches (aggregate, event_count, events)
  select 'redemption', count(*), ('[' || string_agg(event_1(id, version, 'redemption.released',
    redemption_data_1(id, code_id, group_id, wallet_id, amount, currency, reference)), ',') || ']')::json
  from settled having count(*) > 0;

  return query
  select r.state, r.reason from unnest(ids) with ordinality i(id, position)
  left join lateral (select * from redemptions where id = i.id offset 0) r on true
  order by i.position;
end $$;
