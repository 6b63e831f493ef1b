-- The wallet of each phone and currency, in the order given, made where there is none (with the id offered for it): then
-- it is told as created, to this caller alone.
--
-- Concurrency: rows are inserted in the order of the unique key, so two callers meet in one order; a phone that
-- another transaction is adding is waited for, and read by the statement that comes after the insert.
create or replace function ensure_wallets_1(new_ids uuid[], phones text[], currencies text[])
returns table (id uuid, created boolean) language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  made uuid[];
begin
  insert into system_accounts (name, currency)
  select n.name, c.currency
  from (select distinct currency from unnest(currencies) c(currency)) c cross join (values ('issuance'), ('operator')) n(name)
  where not exists (select from system_accounts a where a.currency = c.currency and a.name = n.name)
  order by 2, 1
  on conflict do nothing;

  with written as (
    insert into wallets (id, phone, currency)
    select i.id, i.phone, i.currency from unnest(new_ids, phones, currencies) i(id, phone, currency)
    where not exists (select from wallets w where w.phone = i.phone and w.currency = i.currency offset 0)
    order by i.phone, i.currency
    on conflict do nothing
    returning id, phone, currency, version
  ), told as (
    insert into outbox_batches (aggregate, event_count, events)
    select 'wallet', count(*), ('[' || string_agg(event_1(id, version, 'wallet.created',
      concat('{"wallet_id":"', id, '","currency":"', currency, '"}')), ',') || ']')::json
    from written having count(*) > 0
  )
  select coalesce(array_agg(id), '{}') into made from written;

  return query
  select w.id, w.id = any(made)
  from unnest(new_ids, phones, currencies) with ordinality i(id, phone, currency, position)
  cross join lateral (select id from wallets where phone = i.phone and currency = i.currency offset 0) w
  order by i.position;
end $$;
