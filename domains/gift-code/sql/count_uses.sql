-- Uses of a group by a wallet, reserved and redeemed, as its redemptions have them.
create or replace function count_uses_1(counted_group uuid, wallet uuid) returns integer language sql stable as $$
  select count(*)::integer from redemptions
  where wallet_id = wallet and group_id = counted_group and state in ('reserved', 'completed')
$$;
