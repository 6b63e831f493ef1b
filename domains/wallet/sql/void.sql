-- Compensates credit: decides that a redemption is not to be paid, unless it has been. Answers what was decided of
-- each id, now or earlier: `voided` tells whether the redemption may be released.
--
-- Concurrency and repetition: as in credit; the same lock, the same primary key.
create or replace function void_1(ids uuid[], wallet_ids uuid[], reasons text[], deadline timestamptz)
returns table (
  id uuid, voided boolean, reason text, amount bigint, balance_after bigint, wallet_version bigint,
  wallet_id uuid, phone text, currency text, created_at timestamptz
) language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  due_count integer;
  written_count integer;
begin
  if clock_timestamp() >= deadline then
    raise exception 'void: its deadline has passed' using errcode = 'VS001';
  end if;

  perform 1 from wallets where id = any(wallet_ids) order by id for no key update;

  select count(*) into due_count from unnest(ids) i(id) where not exists (select from transfers t where t.id = i.id offset 0);
  with decision as (
    select i.id, w.id as wallet_id, i.reason,
      w.version + row_number() over (partition by w.id order by i.position) as version
    from unnest(ids, wallet_ids, reasons) with ordinality i(id, wallet_id, reason, position)
    left join lateral (select * from wallets where id = i.wallet_id offset 0) w on true
    where not exists (select from transfers t where t.id = i.id offset 0)
  ), written as (
    insert into transfers (id, kind, wallet_id, wallet_version, reason)
    select id, 'void', wallet_id, version, reason from decision
    order by id
    on conflict (id) do nothing
    returning id, wallet_id, wallet_version, reason
  ), moved as (
    update wallets w set version = last.version
    from (select wallet_id, max(wallet_version) as version from written group by wallet_id) last
    where w.id = last.wallet_id
  ), announced as (
    insert into outbox_batches (aggregate, event_count, events)
    select 'wallet', count(*), ('[' || string_agg(event_1(wallet_id, wallet_version, 'wallet.voided',
      wallet_data_1(wallet_id, 'void', null, id, null, null, null, reason)), ',' order by wallet_version) || ']')::json
    from written where wallet_id is not null having count(*) > 0
  )
  select count(*) into written_count from written;
  if written_count <> due_count then
    raise exception 'void: decided meanwhile' using errcode = 'serialization_failure';
  end if;

  return query select * from read_settlements_1(ids);
end $$;
