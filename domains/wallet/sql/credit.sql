-- Decides redemptions: a transfer into the wallet, or a void with its reason where the wallet refuses. Answers what
-- was decided of each id, now or earlier. An amount is in minor units.
--
-- Concurrency: the wallets are locked first, by id; statements after that see what the locks protect. The primary key
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
  item record;
  refusal text;
  balances bigint[];
  versions bigint[];
  new_positions integer[] := '{}';
  new_balances bigint[] := '{}';
  new_versions bigint[] := '{}';
  new_reasons text[] := '{}';
  new_issuers uuid[] := '{}';
  written_count integer;
begin
  if clock_timestamp() >= deadline then
    raise exception 'credit: its deadline has passed' using errcode = 'VS001';
  end if;

  perform 1 from wallets where id = any(wallet_ids) order by id for no key update;

  for item in
    select i.position::integer, i.amount, i.currency as item_currency, w.id as wallet_id, w.balance, w.version,
      w.currency, w.state, a.id as issuer,
      dense_rank() over (order by i.wallet_id)::integer as wallet_number
    from unnest(ids, wallet_ids, amounts, currencies) with ordinality i(id, wallet_id, amount, currency, position)
    left join lateral (select * from wallets where id = i.wallet_id offset 0) w on true
    left join system_accounts a on a.name = 'issuance' and a.currency = w.currency
    where not exists (select from transfers t where t.id = i.id offset 0)
    order by i.position
  loop
    balances[item.wallet_number] := coalesce(balances[item.wallet_number], item.balance);
    versions[item.wallet_number] := coalesce(versions[item.wallet_number], item.version) + 1;
    refusal := case
      when item.wallet_id is null then 'wallet-not-found'
      when item.state = 'frozen' then 'wallet-frozen'
      when item.currency <> item.item_currency then 'currency-mismatch'
      when balances[item.wallet_number] > 9007199254740991 - item.amount then 'balance-limit'
    end;
    if refusal is null then
      balances[item.wallet_number] := balances[item.wallet_number] + item.amount;
    end if;
    new_positions := new_positions || item.position;
    new_balances := new_balances || balances[item.wallet_number];
    new_versions := new_versions || versions[item.wallet_number];
    new_reasons := new_reasons || refusal;
    new_issuers := new_issuers || item.issuer;
  end loop;

  with decision as (
    select ids[n.position] as id, w.id as wallet_id, n.reason is null as paid, amounts[n.position] as amount,
      w.currency, n.balance, n.version, n.reason, n.issuer, n.position
    from unnest(new_positions, new_balances, new_versions, new_reasons, new_issuers)
      n(position, balance, version, reason, issuer)
    left join lateral (select * from wallets where id = wallet_ids[n.position] offset 0) w on true
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
    returning id, kind, wallet_id, amount, currency, balance_after, wallet_version, reason
  ), moved as (
    update wallets w set balance = last.balance, version = last.version
    from (
      select distinct on (d.wallet_id) d.wallet_id, d.balance, d.version
      from decision d order by d.wallet_id, d.version desc
    ) last
    where w.id = last.wallet_id
  ), announced as (
    insert into outbox (aggregate, aggregate_id, aggregate_version, type, data)
    select 'wallet', wallet_id, wallet_version, case when kind = 'void' then 'wallet.voided' else 'wallet.credited' end,
      wallet_event_1(wallet_id, id, kind, amount, currency, balance_after, reason)
    from written where wallet_id is not null
    order by wallet_id, wallet_version
  )
  select count(*) into written_count from written;
  if written_count <> cardinality(new_positions) then
    -- Somebody decided one of these ids under another wallet's lock. What is computed above is no longer true.
    raise exception 'credit: decided meanwhile' using errcode = 'serialization_failure';
  end if;

  return query select * from read_settlements_1(ids);
end $$;
