-- What has become of a group's codes, and its completed redemptions by day: `per_day` holds date, completed and credited
-- of each day that has any, settled from `days_from` on and before `days_to`. No row where there is no such group.
--
-- It is the group's rollup and, counted from the rows, what has been created since: see docs/adr/0012. All of it is read
-- from the snapshot of the calling statement, as in every stable function, so that the two fit together.
-- A code that was redeemed since has moved from the state that the rollup has it in to its present one; what the rollup
-- has of it is what its row counts less what is counted here. Where each code has one use, the uses alone tell as much.
-- Disabled codes are looked at one by one.
create or replace function code_group_stats_1(
  stats_group uuid, days_from timestamptz, days_to timestamptz, zone text
) returns table (
  total bigint, unused bigint, reserved bigint, partly_used bigint, used bigint, disabled bigint,
  places_total bigint, places_redeemed bigint, places_reserved bigint, completed bigint, reversed bigint, credited text,
  redeemers bigint, first_redeemed_at timestamptz, last_redeemed_at timestamptz, per_day jsonb
) language plpgsql stable
-- Planning it each time would take longer than reading a rollup; and what is not rolled up is sorted sooner than hashed.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_hashagg = off set jit = off as $$
#variable_conflict use_column
declare
  mark timestamptz := coalesce((select rolled_to from rollups where group_id = stats_group), '-infinity');
  has_coupons boolean := (select places > code_count from code_groups where id = stats_group);
begin
  return query
  with latest as materialized (
    -- By quarters, as in the rollup; what is reserved has none.
    select quarter_1(settled_at) as quarter, state,
      state = 'completed' or place_kept as is_spent, count(*) as redemptions, sum(amount) as amount,
      min(settled_at) as first_settled_at, max(settled_at) as last_settled_at,
      array_agg(wallet_id) filter (where state = 'completed') as wallet_ids
    from redemptions where group_id = stats_group and created_at >= mark
    group by 1, 2, 3
  ), latest_places as (
    select coalesce(sum(redemptions) filter (where state = 'reversed'), 0)::bigint as reversed,
      coalesce(sum(redemptions) filter (where is_spent), 0)::bigint as redeemed,
      coalesce(sum(redemptions) filter (where state = 'reserved'), 0)::bigint as reserved
    from latest
  ), new_redeemers as (
    select cardinality(ids) - (
      select count(*) from rollup_redeemers where group_id = stats_group and wallet_id = any(ids)) as wallets
    from (select array(select distinct unnest(wallet_ids) from latest) as ids offset 0) latest_wallets
  ), touched as (
    select code_id, count(*) filter (where state <> 'reserved')::integer as spent
    from redemptions
    where has_coupons and group_id = stats_group and created_at >= mark
      and (state in ('completed', 'reserved') or place_kept)
    group by code_id
  ), moved as (
    select redeemed as used, 0::bigint as partly_used, reserved from latest_places where not has_coupons
    union all
    select count(*) filter (where after = 'used') - count(*) filter (where before = 'used') as used,
      count(*) filter (where after = 'partly_used') - count(*) filter (where before = 'partly_used') as partly_used,
      count(*) filter (where after = 'reserved') as reserved
    from (
      select code_state_1(false, c.redeemed, c.reserved, c.max_redemptions) as after,
        code_state_1(false, c.redeemed - t.spent, 0, c.max_redemptions) as before
      from touched t join codes c on c.id = t.code_id
    ) states
    having has_coupons
  ), off as (
    select count(*) as disabled, count(*) filter (where state = 'used') as used,
      count(*) filter (where state = 'partly_used') as partly_used, count(*) filter (where state = 'reserved') as reserved
    from (
      select code_state_1(false, redeemed, reserved, max_redemptions) as state from codes
      where group_id = stats_group and disabled
    ) states
  ), quarters as materialized (
    select *, first_settled_at >= days_from and last_settled_at < days_to and first_date = last_date as is_whole
    from (
      select *, (first_settled_at at time zone zone)::date as first_date,
        (last_settled_at at time zone zone)::date as last_date
      from (
        select completed, credited, first_settled_at, last_settled_at, created_from, created_to
        from rollup_quarters where group_id = stats_group and completed > 0
        union all
        select redemptions, amount, first_settled_at, last_settled_at, mark, 'infinity'
        from latest where state = 'completed'
      ) counted
      offset 0
    ) dated
  ), history as (
    select coalesce(sum(completed), 0)::bigint as completed, coalesce(sum(credited), 0) as credited,
      min(first_settled_at) as first_redeemed_at, max(last_settled_at) as last_redeemed_at
    from quarters
  ), days as (
    select date, sum(completed) as completed, sum(credited) as credited
    from (
      select first_date as date, completed, credited from quarters where is_whole
      union all
      -- Quarters whose redemptions the range or a midnight parts: from their rows.
      select (r.settled_at at time zone zone)::date, 1, r.amount
      from quarters q
      cross join lateral (
        select settled_at, amount from redemptions
        where group_id = stats_group and created_at between q.created_from and q.created_to and state = 'completed'
          and settled_at between greatest(q.first_settled_at, days_from) and q.last_settled_at and settled_at < days_to
        -- Not taken in: the range of one quarter at a time, by the index.
        offset 0
      ) r
      where not q.is_whole and q.last_settled_at >= days_from and q.first_settled_at < days_to
    ) parts
    group by date
  ), codes_by_state as (
    select coalesce(r.codes_used, 0) + moved.used - off.used as used,
      coalesce(r.codes_partly_used, 0) + moved.partly_used - off.partly_used as partly_used,
      moved.reserved - off.reserved as reserved, off.disabled
    from moved cross join off left join rollups r on r.group_id = stats_group
  )
  select g.code_count::bigint, g.code_count - s.reserved - s.partly_used - s.used - s.disabled, s.reserved, s.partly_used,
    s.used, s.disabled, g.places, coalesce(r.places_redeemed, 0) + l.redeemed, l.reserved, h.completed,
    coalesce(r.reversed, 0) + l.reversed, h.credited::text, coalesce(r.redeemers, 0) + n.wallets, h.first_redeemed_at,
    h.last_redeemed_at,
    (
      select coalesce(jsonb_agg(jsonb_build_object('date', to_char(date, 'YYYY-MM-DD'), 'completed', completed,
        'credited', credited::text) order by date), '[]')
      from days
    )
  from code_groups g left join rollups r on r.group_id = g.id cross join codes_by_state s cross join latest_places l
    cross join new_redeemers n cross join history h
  where g.id = stats_group;
end $$;
