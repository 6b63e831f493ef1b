-- Reserves one use of each code for its redemption. One verdict an item, in the order given: `reserved` with the
-- amount, `refused` with a reason, or whatever state the redemption's row has reached since. A reason without a state
-- is no verdict: `code-not-found` (nothing to write a row about) or `idempotency-key-reused` (the id's row is about
-- another code, wallet or reference).
--
-- Concurrency: under READ COMMITTED a statement sees a snapshot older than the locks it waits for. So the first
-- statements take every lock, and later ones, with newer snapshots, read and write. One order for all callers:
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
  item record;
  verdict text;
  places_left integer[];
  uses_left integer[];
  budget_left bigint[];
  new_positions integer[] := '{}';
  new_groups uuid[] := '{}';
  new_amounts bigint[] := '{}';
  new_currencies text[] := '{}';
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
  perform 1 from codes where id = any(code_ids) order by id for no key update;
  if is_limited then
    insert into wallet_uses (group_id, wallet_id, uses)
    select distinct g.id, i.wallet_id, 0
    from unnest(code_ids, wallet_ids) i(code_id, wallet_id)
    join codes c on c.id = i.code_id
    join code_groups g on g.id = c.group_id and g.per_wallet_limit is not null
    order by 1, 2
    on conflict do nothing;
    perform 1 from wallet_uses
    where (group_id, wallet_id) in (
      select g.id, i.wallet_id from unnest(code_ids, wallet_ids) i(code_id, wallet_id)
      join codes c on c.id = i.code_id
      join code_groups g on g.id = c.group_id and g.per_wallet_limit is not null)
    order by group_id, wallet_id for no key update;
  end if;
  perform 1 from redemptions where id = any(ids) order by id for no key update;

  for item in
    select i.position::integer, i.at, g.id as group_id, g.amount, g.currency, g.disabled as group_disabled, g.starts_at,
      g.ends_at, g.per_wallet_limit, g.budget, g.budget_used, c.disabled as code_disabled, c.max_redemptions,
      c.reserved, c.redeemed, u.uses,
      dense_rank() over (order by c.id)::integer as code_number,
      dense_rank() over (order by g.id, i.wallet_id)::integer as wallet_number,
      dense_rank() over (order by g.id)::integer as group_number
    from unnest(ids, code_ids, wallet_ids, ats) with ordinality i(id, code_id, wallet_id, at, position)
    cross join lateral (select * from codes where id = i.code_id offset 0) c
    cross join lateral (select * from code_groups where id = c.group_id offset 0) g
    left join wallet_uses u on u.group_id = g.id and u.wallet_id = i.wallet_id and g.per_wallet_limit is not null
    where not exists (select from redemptions r where r.id = i.id offset 0)
    order by i.position
  loop
    places_left[item.code_number] :=
      coalesce(places_left[item.code_number], item.max_redemptions - item.reserved - item.redeemed);
    verdict := refusal_1(item.group_disabled, item.code_disabled, item.starts_at, item.ends_at, item.at,
      places_left[item.code_number], item.max_redemptions,
      item.max_redemptions - item.redeemed - places_left[item.code_number]);
    if verdict is null and item.per_wallet_limit is not null then
      uses_left[item.wallet_number] := coalesce(uses_left[item.wallet_number], item.per_wallet_limit - item.uses);
      if uses_left[item.wallet_number] <= 0 then
        verdict := 'per-wallet-limit';
      end if;
    end if;
    if verdict is null and item.budget is not null then
      budget_left[item.group_number] := coalesce(budget_left[item.group_number], item.budget - item.budget_used);
      if budget_left[item.group_number] < item.amount then
        verdict := 'budget-exhausted';
      else
        budget_left[item.group_number] := budget_left[item.group_number] - item.amount;
      end if;
    end if;
    if verdict is null then
      places_left[item.code_number] := places_left[item.code_number] - 1;
      if item.per_wallet_limit is not null then
        uses_left[item.wallet_number] := uses_left[item.wallet_number] - 1;
      end if;
    end if;
    new_positions := new_positions || item.position;
    new_groups := new_groups || item.group_id;
    new_amounts := new_amounts || item.amount;
    new_currencies := new_currencies || item.currency::text;
    new_reasons := new_reasons || verdict;
  end loop;

  -- Counters move by the rows really written: a row that another caller wrote first is not ours to count.
  with written as (
    insert into redemptions (id, code_id, group_id, wallet_id, client_id, reference, amount, currency, state, reason,
      workflow_id, created_at)
    select ids[n.position], code_ids[n.position], n.group_id, wallet_ids[n.position], client_ids[n.position],
      item_references[n.position], n.amount, n.currency,
      case when n.reason is null then 'reserved' else 'refused' end, n.reason, workflow, now()
    from unnest(new_positions, new_groups, new_amounts, new_currencies, new_reasons)
      n(position, group_id, amount, currency, reason)
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
    update wallet_uses u set uses = u.uses + n.uses
    from (select group_id, wallet_id, count(*)::integer as uses from reserved group by group_id, wallet_id) n
    where u.group_id = n.group_id and u.wallet_id = n.wallet_id
  ), budgets as (
    update code_groups g set budget_used = g.budget_used + n.amount
    from (select group_id, sum(amount)::bigint as amount from reserved group by group_id) n
    where g.id = n.group_id and g.budget is not null
  )
  insert into outbox (aggregate, aggregate_id, aggregate_version, type, data)
  select 'redemption', id, 1, 'redemption.reserved', redemption_event_1(id, code_id, group_id, wallet_id, amount, currency, reference)
  from reserved;

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
