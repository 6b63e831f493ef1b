-- Marks a completed redemption as reversed, after the wallet has been debited, and gives back what it had used: the
-- wallet's limit and the budget always, the use of the code unless it is to stay spent. That it was to be taken
-- back is over. Answers the row's state.
--
-- Concurrency: the locks of reserve, in its order, and that of the group's rollup behind them. Repeated: a reversed row is
-- left as it is.
create or replace function reverse_redemption_3(
  redemption uuid, keep_place boolean, why text, deadline timestamptz
) returns text language plpgsql set enable_seqscan = off as $$
declare
  target redemptions%rowtype;
begin
  if clock_timestamp() >= deadline then
    raise exception 'reverse: its deadline has passed' using errcode = 'VS001';
  end if;
  select * into target from redemptions where id = redemption;
  perform pg_advisory_xact_lock_shared(hashtextextended(target.group_id::text, 0));
  perform 1 from code_groups where id = target.group_id and budget is not null for no key update;
  perform 1 from codes where id = target.code_id for no key update;
  perform lock_uses_1(array[target.code_id], array[target.wallet_id]);

  update redemptions
  set state = 'reversed', reason = why, place_kept = keep_place, version = version + 1
  where id = redemption and state = 'completed'
  returning * into target;
  if found then
    update codes set redeemed = redeemed - 1 where id = target.code_id and not keep_place;
    update wallet_uses set uses = uses - 1
    where group_id = target.group_id and wallet_id = target.wallet_id
      and limit_period = (select limit_period from code_groups where id = target.group_id and per_wallet_limit is not null);
    update code_groups set budget_used = budget_used - target.amount where id = target.group_id and budget is not null;
    perform unroll_redemption_1(target);
    insert into outbox_batches (aggregate, event_count, events)
    values ('redemption', 1, json_build_array(json_build_object(
      'id', target.id, 'version', target.version, 'type', 'redemption.reversed',
      'data', redemption_data_1(target.id, target.code_id, target.group_id, target.wallet_id, target.amount, target.currency::text, target.reference)::jsonb
        || jsonb_build_object('reason', why))));
  end if;
  -- Also of one that a version before has marked.
  update reversals set ended_at = now() where redemption_id = redemption and ended_at is null;
  return (select state from redemptions where id = redemption);
end $$;
