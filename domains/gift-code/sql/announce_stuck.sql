-- Writes `redemption.stuck` for redemptions that are still reserved, once for each.
--
-- Concurrency: redemptions alone, by id. One that is locked is being worked on this very moment: it is left out, and
-- comes again with the next sweep if it is still there.
create or replace function announce_stuck_1(ids uuid[]) returns void
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
  with stuck as (
    select id from redemptions where id = any(ids) and state = 'reserved' and stuck_at is null
    order by id for no key update skip locked
  ), announced as (
    update redemptions r set stuck_at = now(), version = r.version + 1 from stuck where r.id = stuck.id
    returning r.id, r.version, r.code_id, r.group_id, r.wallet_id, r.amount, r.currency, r.reference, r.created_at
  )
  insert into outbox_batches (aggregate, event_count, events)
  select 'redemption', count(*), json_agg(json_build_object('id', id, 'version', version, 'type', 'redemption.stuck',
    'data', redemption_data_1(id, code_id, group_id, wallet_id, amount, currency, reference)::jsonb
      || jsonb_build_object('reserved_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))))
  from announced having count(*) > 0;
end $$;
