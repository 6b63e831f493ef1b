-- Who redeemed codes of a group: up to `most` wallets, those that did so last first, from the one on that comes after
-- `after_wallet`, whose latest was at `after_settled`. Redemptions count that were created from `listed_from` on and before
-- `listed_to`.
--
-- It is the group's rollup and, counted from the rows, what has been created since, read from one snapshot as in
-- code_group_stats. Where only a span of time counts, all of it is counted from the rows.
create or replace function list_redeemers_1(
  listed_group uuid, listed_from timestamptz, listed_to timestamptz, after_settled timestamptz, after_wallet uuid, most integer
) returns table (wallet_id uuid, redemptions bigint, credited text, last_redeemed_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
declare
  mark timestamptz := (
    select rolled_to from rollups
    where group_id = listed_group and listed_from = '-infinity' and listed_to = 'infinity');
begin
  return query
  with latest as materialized (
    select wallet_id, count(*) as completed, max(settled_at) as last_settled_at from redemptions
    where group_id = listed_group and state = 'completed'
      and created_at >= coalesce(mark, listed_from) and created_at < listed_to
    group by wallet_id
  ), redeemers as (
    select wallet_id, l.completed + coalesce(w.completed, 0) as completed,
      greatest(l.last_settled_at, w.last_settled_at) as last_settled_at
    from latest l
    left join (
      select wallet_id, completed, last_settled_at from rollup_redeemers where group_id = listed_group and mark is not null
    ) w using (wallet_id)
    union all
    (
      select wallet_id, completed, last_settled_at from rollup_redeemers w
      where group_id = listed_group and mark is not null
        and (last_settled_at, wallet_id) < (after_settled, after_wallet)
        -- Not joined, so that the first of them are read in their order.
        and not exists (
          select from redemptions r
          where r.wallet_id = w.wallet_id and r.created_at >= mark and r.group_id = listed_group and r.state = 'completed'
          offset 0)
      order by last_settled_at desc, wallet_id desc limit most
    )
  )
  select wallet_id, completed, (completed * g.amount)::text, last_settled_at
  from redeemers cross join code_groups g
  where g.id = listed_group and (last_settled_at, wallet_id) < (after_settled, after_wallet)
  order by last_settled_at desc, wallet_id desc limit most;
end $$;
