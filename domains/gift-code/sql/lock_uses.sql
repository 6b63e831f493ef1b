-- Locks and answers what wallets have used of the groups of these codes, where the group has a limit per wallet. What was not
-- counted since that limit was set is counted now: see docs/adr/0019.
--
-- Concurrency: called under the locks of groups and codes, before any redemption is locked, by whoever is to change what a
-- wallet has used. So a count that is made beside such a change either has it or waits for its transaction, finds the
-- counter there and leaves it alone; and no change is under way that was begun before the limit was set, since that waits
-- for the groups' locks.
create or replace function lock_uses_1(code_ids uuid[], wallet_ids uuid[]) returns setof wallet_uses
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  groups uuid[];
  wallets uuid[];
begin
  select array_agg(w.group_id), array_agg(w.wallet_id) into groups, wallets
  from (
    select distinct c.group_id, i.wallet_id
    from unnest(code_ids, wallet_ids) i(code_id, wallet_id)
    cross join lateral (select * from codes where id = i.code_id offset 0) c
    cross join lateral (select from code_groups where id = c.group_id and per_wallet_limit is not null offset 0) g
    order by 1, 2) w;

  insert into wallet_uses as u (group_id, wallet_id, uses, limit_period)
  select w.group_id, w.wallet_id, count_uses_1(w.group_id, w.wallet_id), g.limit_period
  from unnest(groups, wallets) w(group_id, wallet_id)
  cross join lateral (select * from code_groups where id = w.group_id offset 0) g
  left join lateral (select * from wallet_uses where group_id = w.group_id and wallet_id = w.wallet_id offset 0) k on true
  where k.limit_period is distinct from g.limit_period
  order by 1, 2
  on conflict (group_id, wallet_id) do update set uses = excluded.uses, limit_period = excluded.limit_period
  where u.limit_period < excluded.limit_period;

  return query select u.* from unnest(groups, wallets) w(group_id, wallet_id)
  cross join lateral (
    select * from wallet_uses where group_id = w.group_id and wallet_id = w.wallet_id for no key update) u;
end $$;
