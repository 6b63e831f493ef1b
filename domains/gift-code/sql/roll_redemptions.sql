-- Adds the next redemptions of a group to its rollup, about `most` of them and none younger than `trail`, and answers how
-- many: where it is fewer than `most`, nothing more is ready. See docs/adr/0012.
--
-- Concurrency: the lock of the rollup's row, and no other. One caller moves it at a time, and a reversal, which takes that
-- lock last, either commits before the rows are read here or finds them counted and corrects what they add up to.
-- What is passed over must be complete and settled. The rollup stops at the first redemption that is still reserved; and a
-- row that is yet to come must come behind it. A row's `created_at` is the begin of its transaction, so that the rollup
-- stays behind the begin of all transactions there are. One that has begun and cannot be seen yet has not come to the
-- check of its deadline: this lies less than `trail` behind its begin, so that it will fail. The transactions are looked
-- at before the rows are, by a statement of its own: what has ended by then is seen.
create or replace function roll_redemptions_1(rolled_group uuid, most integer, trail interval) returns integer
language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  mark timestamptz;
  target timestamptz;
  oldest timestamptz;
  rolled integer;
begin
  insert into rollups (group_id) values (rolled_group) on conflict do nothing;
  select r.rolled_to into mark from rollups r where r.group_id = rolled_group for no key update;

  select min(xact_start) into oldest from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend';
  if oldest is null or current_setting('track_activities') = 'off' then
    raise exception 'roll_redemptions: track_activities is off' using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- A millisecond less, since `created_at` is rounded to one.
  target := date_trunc('milliseconds', least(oldest, now() - trail)) - interval '1 ms';
  target := least(target, (
    select r.created_at + interval '1 ms' from redemptions r
    where r.group_id = rolled_group and r.created_at >= mark and r.created_at < target
    order by r.created_at offset most - 1 limit 1));
  target := least(target, (
    select min(r.created_at) from redemptions r
    where r.group_id = rolled_group and r.created_at >= mark and r.created_at < target and r.state = 'reserved'));

  with piece as materialized (
    select r.code_id, r.wallet_id, r.amount, r.state, r.place_kept, r.created_at, r.settled_at from redemptions r
    where r.group_id = rolled_group and r.created_at >= mark and r.created_at < target
  ), quarters as (
    insert into rollup_quarters as q (group_id, quarter, completed, credited, first_settled_at, last_settled_at,
      created_from, created_to)
    select rolled_group, quarter_1(settled_at), count(*), sum(amount),
      min(settled_at), max(settled_at), min(created_at), max(created_at)
    from piece where state = 'completed' group by 2
    on conflict (group_id, quarter) do update set completed = q.completed + excluded.completed,
      credited = q.credited + excluded.credited,
      first_settled_at = least(q.first_settled_at, excluded.first_settled_at),
      last_settled_at = greatest(q.last_settled_at, excluded.last_settled_at),
      created_from = least(q.created_from, excluded.created_from),
      created_to = greatest(q.created_to, excluded.created_to)
  ), wallets as (
    select wallet_id, count(*) as completed, max(settled_at) as last_settled_at
    from piece where state = 'completed' group by wallet_id
  ), redeemers as (
    insert into rollup_redeemers as w (group_id, wallet_id, completed, last_settled_at)
    select rolled_group, wallet_id, completed, last_settled_at from wallets
    on conflict (group_id, wallet_id) do update set completed = w.completed + excluded.completed,
      last_settled_at = greatest(w.last_settled_at, excluded.last_settled_at)
    returning wallet_id, completed
  ), spent as materialized (
    select p.code_id, c.position, c.max_redemptions, p.uses
    from (
      select code_id, count(*)::integer as uses from piece where state = 'completed' or place_kept group by code_id
    ) p
    cross join lateral (select position, max_redemptions from codes where id = p.code_id offset 0) c
  ), coupons as (
    insert into rollup_uses as u (group_id, code_id, spent)
    select rolled_group, code_id, uses from spent where max_redemptions > 1
    on conflict (group_id, code_id) do update set spent = u.spent + excluded.spent
    returning code_id, spent
  ), states as (
    -- Grouped, not joined: the planner takes both sides for a few rows and would compare each with each.
    -- A code with one use has spent none before.
    select max(position) as position, sum(uses) as uses, max(max_redemptions) as max_redemptions,
      coalesce(max(spent), sum(uses)) as after, coalesce(max(spent) - sum(uses), 0) as before
    from (
      select code_id, position, uses, max_redemptions, null::integer as spent from spent
      union all select code_id, null, 0, null, spent from coupons
    ) both_sides
    group by code_id
  ), blocks as (
    insert into rollup_blocks as b (group_id, first_position, codes_touched, codes_used)
    select rolled_group, block_1(position), count(*) filter (where before = 0),
      count(*) filter (where after >= max_redemptions and before < max_redemptions)
    from states group by 2
    on conflict (group_id, first_position) do update set codes_touched = b.codes_touched + excluded.codes_touched,
      codes_used = b.codes_used + excluded.codes_used
  ), new_redeemers as (
    select wallet_id
    from (select wallet_id, completed from wallets union all select wallet_id, -completed from redeemers) both_sides
    group by wallet_id having sum(completed) = 0
  )
  update rollups r set rolled_to = target,
    reversed = r.reversed + p.reversed,
    places_redeemed = r.places_redeemed + s.uses,
    codes_used = r.codes_used + s.used,
    codes_partly_used = r.codes_partly_used + s.partly_used,
    redeemers = r.redeemers + w.new_ones
  from (select count(*)::integer as rows, count(*) filter (where state = 'reversed') as reversed from piece) p,
    (
      select coalesce(sum(uses), 0) as uses,
        count(*) filter (where after >= max_redemptions and before < max_redemptions) as used,
        count(*) filter (where after between 1 and max_redemptions - 1)
          - count(*) filter (where before between 1 and max_redemptions - 1) as partly_used
      from states
    ) s,
    (select count(*)::integer as new_ones from new_redeemers) w
  where r.group_id = rolled_group and p.rows > 0
  returning p.rows into rolled;
  return coalesce(rolled, 0);
end $$;
