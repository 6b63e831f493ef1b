-- Whether a wallet has used a group as often as its limit allows. Null where the group has none.
create or replace function limit_reached_1(asked_group uuid, wallet uuid) returns boolean language sql stable as $$
  select coalesce(
    (select u.uses from wallet_uses u
      where u.group_id = asked_group and u.wallet_id = wallet and u.limit_period = g.limit_period),
    count_uses_1(asked_group, wallet)) >= g.per_wallet_limit
  from code_groups g where g.id = asked_group
$$;
