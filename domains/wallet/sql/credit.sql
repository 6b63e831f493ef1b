-- Decides redemptions: a transfer into the wallet, or a void with its reason where the wallet refuses. Answers what
-- was decided of each id, now or earlier, in no promised order. An amount is in minor units.
--
-- Concurrency: the wallets are locked first, by id, and answered as the locks find them. The primary key
-- of `transfers` is the redemption's id, so a second decision cannot be written, whoever tries. Items are judged one
-- after the other, because each sees the balance the one before it left.
-- Repeated: an id that is decided is answered from its row; nothing is written.
create or replace function credit_1(
  ids uuid[], wallet_ids uuid[], amounts bigint[], currencies text[], deadline timestamptz
) returns table (
  id uuid, voided boolean, reason text, amount bigint, balance_after bigint, wallet_version bigint,
  wallet_id uuid, phone text, currency text, created_at timestamptz
) language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  locked_wallets uuid[];
  locked_phones text[];
  locked_currencies text[];
  locked_states text[];
  balances bigint[];
  versions bigint[];
  known_ids uuid[];
  item record;
  refusal text;
  new_positions integer[] := '{}';
  new_wallets integer[] := '{}';
  new_balances bigint[] := '{}';
  new_versions bigint[] := '{}';
  new_reasons text[] := '{}';
  new_issuers uuid[] := '{}';
  written_count integer;
begin
  if clock_timestamp() >= deadline then
    raise exception 'credit: its deadline has passed' using errcode = 'VS001';
  end if;

  select array_agg(w.id), array_agg(w.phone), array_agg(w.currency), array_agg(w.state), array_agg(w.balance), array_agg(w.version)
  into locked_wallets, locked_phones, locked_currencies, locked_states, balances, versions
  from (select * from wallets where id = any(wallet_ids) order by id for no key update) w;
  select coalesce(array_agg(t.id), '{}') into known_ids from transfers t where t.id = any(ids);

  for item in
    select i.position::integer, i.amount, i.currency as item_currency, w.currency, w.state, w.number::integer, a.id as issuer
    from unnest(ids, wallet_ids, amounts, currencies) with ordinality i(id, wallet_id, amount, currency, position)
    left join unnest(locked_wallets, locked_currencies, locked_states) with ordinality w(id, currency, state, number)
      on w.id = i.wallet_id
    left join system_accounts a on a.name = 'issuance' and a.currency = w.currency
    where i.id <> all(known_ids)
    order by i.position
  loop
    refusal := case
      when item.number is null then 'wallet-not-found'
      when item.state = 'frozen' then 'wallet-frozen'
      when item.currency <> item.item_currency then 'currency-mismatch'
      when balances[item.number] > 9007199254740991 - item.amount then 'balance-limit'
    end;
    if item.number is not null then
      versions[item.number] := versions[item.number] + 1;
    end if;
    if refusal is null then
      balances[item.number] := balances[item.number] + item.amount;
    end if;
    new_positions := new_positions || item.position;
    new_wallets := new_wallets || item.number;
    new_balances := new_balances || balances[item.number];
    new_versions := new_versions || versions[item.number];
    new_reasons := new_reasons || refusal;
    new_issuers := new_issuers || item.issuer;
  end loop;

  return query
  with decision as (
    select ids[n.position] as id, locked_wallets[n.wallet] as wallet_id, locked_phones[n.wallet] as phone,
      locked_currencies[n.wallet] as currency, n.reason is null as paid, amounts[n.position] as amount, n.balance,
      n.version, n.reason, n.issuer, n.position
    from unnest(new_positions, new_wallets, new_balances, new_versions, new_reasons, new_issuers)
      n(position, wallet, balance, version, reason, issuer)
  ), written as (
    insert into transfers (id, kind, wallet_id, debit_account, credit_account, amount, currency, balance_after,
      wallet_version, reason)
    select d.id, case when d.paid then 'redemption' else 'void' end, d.wallet_id,
      case when d.paid then d.issuer end, case when d.paid then d.wallet_id end,
      case when d.paid then d.amount end, case when d.paid then d.currency end,
      case when d.paid then d.balance end, d.version, d.reason
    from decision d
    order by d.id
    on conflict (id) do nothing
    returning id
  ), moved as (
    update wallets w set balance = l.balance, version = l.version
    from unnest(locked_wallets, balances, versions) l(id, balance, version)
    where w.id = l.id and w.version <> l.version
  ), announced as (
    insert into outbox_batches (aggregate, event_count, events)
    select 'wallet', count(*), ('[' || string_agg(case
      when d.paid then event_1(d.wallet_id, d.version, 'wallet.credited',
        wallet_data_1(d.wallet_id, 'redemption', d.id, d.id, d.amount, d.currency, d.balance, null))
      else event_1(d.wallet_id, d.version, 'wallet.voided',
        wallet_data_1(d.wallet_id, 'void', null, d.id, null, null, null, d.reason)) end, ',' order by d.position) || ']')::json
    from decision d where d.wallet_id is not null having count(*) > 0
  )
  select d.id, not d.paid, d.reason, case when d.paid then d.amount end, case when d.paid then d.balance end, d.version,
    d.wallet_id, d.phone, d.currency, now()::timestamptz(3)
  from decision d where (select count(*) from written) = cardinality(new_positions);
  get diagnostics written_count = row_count;
  if written_count <> cardinality(new_positions) then
    -- Somebody decided one of these ids under another wallet's lock. What is computed above is no longer true.
    raise exception 'credit: decided meanwhile' using errcode = 'serialization_failure';
  end if;

  if cardinality(known_ids) > 0 then
    return query select * from read_settlements_1(known_ids);
  end if;
end $$;
