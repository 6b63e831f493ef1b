-- Who redeemed codes of a group: up to `most` wallets, those that did so last first, from the one on that comes after
-- `after_wallet`, whose latest was at `after_settled`. Redemptions count that were created from `listed_from` on and before
-- `listed_to`.
--
-- It is the group's rollup and, counted from the rows, what has been created since, read from one snapshot as in
-- code_group_stats. Where only a span of time counts, all of it is counted from the rows. A wallet that is in both has its
-- place where its latest redemption is, and is left out of the other.
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
  since timestamptz := coalesce(mark, listed_from);
begin
  return query
  with latest as (
    select wallet_id, max(settled_at) as last_settled_at from redemptions
    where group_id = listed_group and state = 'completed' and created_at >= since and created_at < listed_to
    group by wallet_id
  ), page as (
    (
      -- Ordered first, so that no more wallets are looked up than fill the page; likewise below.
      select * from (select * from latest order by last_settled_at desc, wallet_id desc offset 0) l
      where (last_settled_at, wallet_id) < (after_settled, after_wallet)
        and not exists (
          select from rollup_redeemers w
          where w.group_id = listed_group and w.wallet_id = l.wallet_id and w.last_settled_at > l.last_settled_at
            and mark is not null
          offset 0)
      limit most
    )
    union all
    (
      select wallet_id, last_settled_at from rollup_redeemers w
      where group_id = listed_group and mark is not null
        and (last_settled_at, wallet_id) < (after_settled, after_wallet)
        and not exists (
          select from redemptions r
          where r.wallet_id = w.wallet_id and r.created_at >= mark and r.group_id = listed_group and r.state = 'completed'
            and r.settled_at >= w.last_settled_at
          offset 0)
      order by last_settled_at desc, wallet_id desc limit most
    )
    order by last_settled_at desc, wallet_id desc limit most
  ), counted as (
    select wallet_id, last_settled_at,
      (
        select count(*) from redemptions r
        where r.wallet_id = page.wallet_id and r.created_at >= since and r.created_at < listed_to
          and r.group_id = listed_group and r.state = 'completed'
      ) + coalesce((
        select completed from rollup_redeemers w
        where w.group_id = listed_group and w.wallet_id = page.wallet_id and mark is not null
      ), 0) as completed
    from page
  )
  select wallet_id, completed, (completed * g.amount)::text, last_settled_at
  from counted cross join code_groups g
  where g.id = listed_group
  order by last_settled_at desc, wallet_id desc;
end $$;
