-- Reserves one use of each code for its redemption. One verdict an item, in the order given: `reserved` with the
-- amount, `refused` with a reason, or whatever state the redemption's row has reached since. A reason without a state
-- is no verdict: `code-not-found` (nothing to write a row about) or `idempotency-key-reused` (the id's row is about
-- another code, wallet or reference).
--
-- Concurrency: under READ COMMITTED a statement sees a snapshot older than the locks it waits for. So the first
-- statements take every lock, and later ones, with newer snapshots, read and write; what a statement locks it may answer,
-- since it waits for the lock and reads the row then. One order for all callers:
-- groups, codes, wallet counters, redemptions, each by id, so that no two of them deadlock. A group is locked as a
-- row only where it has a budget; else it is a shared advisory lock, which costs no write and lines nobody up, and
-- which a change of the group's limits takes exclusively. The CHECKs on the counters are the last word.
-- The items are judged one after the other, because one item's place is the next one's refusal: with k places for
-- n items the first k win, and an item refused for one reason leaves every other counter alone.
-- Repeated: a redemption that has its row is answered from that row; nothing is written.
create or replace function reserve_1(
  ids uuid[], code_ids uuid[], wallet_ids uuid[], client_ids uuid[], item_references text[], ats timestamptz[],
  workflow text, deadline timestamptz
) returns table (state text, reason text, amount bigint, currency text)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  group_ids uuid[];
  is_budgeted boolean;
  is_limited boolean;
  locked_codes uuid[];
  locked_groups uuid[];
  locked_disabled boolean[];
  locked_max integer[];
  locked_redeemed integer[];
  places_left integer[];
  used_groups uuid[];
  used_wallets uuid[];
  used_times integer[];
  budget_left bigint[];
  known_ids uuid[];
  item record;
  verdict text;
  new_positions integer[] := '{}';
  new_codes integer[] := '{}';
  new_reasons text[] := '{}';
begin
  if clock_timestamp() >= deadline then
    raise exception 'reserve: its deadline has passed' using errcode = 'VS001';
  end if;

  select array_agg(distinct c.group_id order by c.group_id) into group_ids from codes c where c.id = any(code_ids);
  perform pg_advisory_xact_lock_shared(hashtextextended(g.id::text, 0)) from unnest(group_ids) g(id);
  -- Under that lock a group's limits stay as they are.
  select coalesce(bool_or(g.budget is not null), false), coalesce(bool_or(g.per_wallet_limit is not null), false)
  into is_budgeted, is_limited from code_groups g where g.id = any(group_ids);
  if is_budgeted then
    perform 1 from code_groups where id = any(group_ids) and budget is not null order by id for no key update;
  end if;
  select array_agg(c.id), array_agg(c.group_id), array_agg(c.disabled), array_agg(c.max_redemptions), array_agg(c.redeemed),
    array_agg(c.max_redemptions - c.reserved - c.redeemed)
  into locked_codes, locked_groups, locked_disabled, locked_max, locked_redeemed, places_left
  from (
    select id, group_id, disabled, max_redemptions, reserved, redeemed
    from codes where id = any(code_ids) order by id for no key update) c;
  if is_limited then
    select array_agg(u.group_id), array_agg(u.wallet_id), array_agg(u.uses)
    into used_groups, used_wallets, used_times from lock_uses_1(code_ids, wallet_ids) u;
  end if;
  select coalesce(array_agg(r.id), '{}') into known_ids
  from (select id from redemptions where id = any(ids) order by id for no key update) r;

  -- Lists are joined by left joins, which are made hash joins: inner ones compare each item with each code.
  for item in
    select i.position::integer, c.number::integer as code, u.number::integer as used, g.number::integer as in_group,
      g.amount, g.per_wallet_limit, g.budget, g.budget_used,
      refusal_1(g.disabled, c.disabled, g.starts_at, g.ends_at, i.at, 1, 1, 0) as refusal
    from unnest(ids, code_ids, wallet_ids, ats) with ordinality i(id, code_id, wallet_id, at, position)
    left join unnest(locked_codes, locked_groups, locked_disabled) with ordinality c(id, group_id, disabled, number)
      on c.id = i.code_id
    left join (
      select g.*, l.number from unnest(group_ids) with ordinality l(id, number)
      cross join lateral (select * from code_groups where id = l.id offset 0) g
    ) g on g.id = c.group_id
    left join unnest(used_groups, used_wallets) with ordinality u(group_id, wallet_id, number)
      on u.group_id = c.group_id and u.wallet_id = i.wallet_id
    where i.id <> all(known_ids)
    order by i.position
  loop
    continue when item.code is null;
    verdict := item.refusal;
    if verdict is null then
      if places_left[item.code] <= 0 then
        verdict := refusal_1(false, false, null, null, null, 0, locked_max[item.code],
          locked_max[item.code] - locked_redeemed[item.code]);
      elsif used_times[item.used] >= item.per_wallet_limit then
        verdict := 'per-wallet-limit';
      elsif coalesce(budget_left[item.in_group], item.budget - item.budget_used) < item.amount then
        verdict := 'budget-exhausted';
      else
        places_left[item.code] := places_left[item.code] - 1;
        if is_limited and item.used is not null then
          used_times[item.used] := used_times[item.used] + 1;
        end if;
        if is_budgeted then
          budget_left[item.in_group] := coalesce(budget_left[item.in_group], item.budget - item.budget_used) - item.amount;
        end if;
      end if;
    end if;
    new_positions := new_positions || item.position;
    new_codes := new_codes || item.code;
    new_reasons := new_reasons || verdict;
  end loop;

  -- Counters move by the rows really written: a row that another caller wrote first is not ours to count.
  with written as (
    insert into redemptions (id, code_id, group_id, wallet_id, client_id, reference, amount, currency, state, reason,
      workflow_id, created_at)
    select ids[n.position], code_ids[n.position], g.id, wallet_ids[n.position], client_ids[n.position],
      item_references[n.position], g.amount, g.currency,
      case when n.reason is null then 'reserved' else 'refused' end, n.reason, workflow, now()
    from unnest(new_positions, new_codes, new_reasons) n(position, code, reason)
    cross join lateral (select * from code_groups where id = locked_groups[n.code] offset 0) g
    order by ids[n.position]
    on conflict do nothing
    returning id, code_id, group_id, wallet_id, amount, currency, reference, state
  ), reserved as (
    select * from written where state = 'reserved'
  ), places as (
    update codes c set reserved = c.reserved + n.uses
    from (select code_id, count(*)::integer as uses from reserved group by code_id) n
    where c.id = n.code_id
  ), uses as (
    -- The rows are there, locked. An update would join them, an upsert goes by their key: see docs/adr/0019.
    insert into wallet_uses as u (group_id, wallet_id, uses)
    select n.group_id, n.wallet_id, n.uses
    from (select group_id, wallet_id, count(*)::integer as uses from reserved where is_limited group by 1, 2) n
    cross join lateral (select from code_groups where id = n.group_id and per_wallet_limit is not null offset 0) g
    on conflict (group_id, wallet_id) do update set uses = u.uses + excluded.uses
  ), budgets as (
    update code_groups g set budget_used = g.budget_used + n.amount
    from (select group_id, sum(amount)::bigint as amount from reserved where is_budgeted group by group_id) n
    where g.id = n.group_id and g.budget is not null
  )
  insert into outbox_batches (aggregate, event_count, events)
  select 'redemption', count(*), ('[' || string_agg(event_1(id, 1, 'redemption.reserved',
    redemption_data_1(id, code_id, group_id, wallet_id, amount, currency, reference)), ',') || ']')::json
  from reserved having count(*) > 0;

  return query
  select
    case when r.code_id = i.code_id and r.wallet_id = i.wallet_id and r.reference is not distinct from i.reference
      then r.state end,
    case when r.id is null then 'code-not-found'
      when r.code_id = i.code_id and r.wallet_id = i.wallet_id and r.reference is not distinct from i.reference
        then r.reason
      else 'idempotency-key-reused' end,
    r.amount, r.currency::text
  from unnest(ids, code_ids, wallet_ids, item_references) with ordinality i(id, code_id, wallet_id, reference, position)
  left join lateral (select * from redemptions where id = i.id offset 0) r on true
  order by i.position;
end $$;
