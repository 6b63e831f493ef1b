-- Credits or debits a wallet by an operator's order. Answers the transfer that now has the id, or why there is none:
-- wallet-not-found, wallet-frozen, currency-mismatch, balance-limit, insufficient-funds, or reference-reused. A refusal
-- writes nothing.
--
-- Concurrency: the wallet's lock first; then the transfer's primary key makes it once per id, and the unique reference
-- once per kind, client and reference.
-- Repeated: the id's row is answered as it is; the caller compares it with what was asked.
create or replace function post_transfer_1(
  transfer_id uuid, transfer_kind text, transfer_wallet uuid, transfer_client uuid, transfer_amount bigint,
  transfer_currency text, transfer_reference text, transfer_note text
) returns table (refusal text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
declare
  wallet record;
  operator uuid;
  new_balance bigint;
begin
  select * into wallet from wallets where id = transfer_wallet for no key update;
  if exists (select from transfers where id = transfer_id) then
    return query select null::text, true;
    return;
  end if;
  new_balance := wallet.balance + case when transfer_kind = 'credit' then transfer_amount else -transfer_amount end;
  refusal := case
    when wallet.id is null then 'wallet-not-found'
    when exists (select from transfers where kind = transfer_kind and client_id = transfer_client and reference = transfer_reference)
      then 'reference-reused'
    when wallet.state = 'frozen' then 'wallet-frozen'
    when wallet.currency <> transfer_currency then 'currency-mismatch'
    when new_balance < 0 then 'insufficient-funds'
    when new_balance > 9007199254740991 then 'balance-limit'
  end;
  if refusal is not null then
    return query select refusal, false;
    return;
  end if;

  select a.id into strict operator from system_accounts a where a.name = 'operator' and a.currency = wallet.currency;
  insert into transfers (id, kind, wallet_id, debit_account, credit_account, client_id, amount, currency, balance_after,
    wallet_version, reference, note)
  values (transfer_id, transfer_kind, wallet.id,
    case when transfer_kind = 'credit' then operator else wallet.id end,
    case when transfer_kind = 'credit' then wallet.id else operator end,
    transfer_client, transfer_amount, wallet.currency, new_balance, wallet.version + 1, transfer_reference, transfer_note);
  update wallets set balance = new_balance, version = wallet.version + 1 where id = wallet.id;
  insert into outbox_batches (aggregate, event_count, events)
  values ('wallet', 1, ('[' || event_1(wallet.id, wallet.version + 1,
    case when transfer_kind = 'credit' then 'wallet.credited' else 'wallet.debited' end,
    wallet_data_1(wallet.id, transfer_kind, transfer_id, null, transfer_amount, wallet.currency::text, new_balance, null)) || ']')::json);
  return query select null::text, false;
exception when unique_violation then
  -- Under another wallet's lock: the same id, or the same reference.
  if exists (select from transfers where id = transfer_id) then
    return query select null::text, true;
  else
    return query select 'reference-reused', false;
  end if;
end $$;
