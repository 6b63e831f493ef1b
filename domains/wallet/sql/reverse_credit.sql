-- Takes a redemption's credit back from its wallet. Answers null when it is taken back, now or earlier, else why not:
-- `not-credited`, `insufficient-funds`; then nothing was written.
--
-- Concurrency: the wallet's lock first. The reversal's id is made from the redemption's, so the primary key lets a
-- redemption be reversed once.
create or replace function reverse_credit_1(redemption uuid, reversal uuid, why text, deadline timestamptz)
returns text language plpgsql set enable_seqscan = off as $$
declare
  paid transfers%rowtype;
  wallet wallets%rowtype;
begin
  if clock_timestamp() >= deadline then
    raise exception 'reverse: its deadline has passed' using errcode = 'VS001';
  end if;
  select * into paid from transfers where id = redemption and kind = 'redemption';
  if not found then
    return 'not-credited';
  end if;
  select * into wallet from wallets where id = paid.wallet_id for no key update;
  if exists (select from transfers where id = reversal) then
    return null;
  end if;
  if wallet.balance < paid.amount then
    return 'insufficient-funds';
  end if;
  insert into transfers (id, kind, wallet_id, debit_account, credit_account, amount, currency, balance_after, wallet_version, note, reverses)
  values (reversal, 'reversal', wallet.id, wallet.id, paid.debit_account, paid.amount, paid.currency,
    wallet.balance - paid.amount, wallet.version + 1, why, redemption);
  update wallets set balance = balance - paid.amount, version = version + 1 where id = wallet.id;
  insert into outbox_batches (aggregate, event_count, events)
  values ('wallet', 1, ('[' || event_1(wallet.id, wallet.version + 1, 'wallet.debited',
    wallet_data_1(wallet.id, 'reversal', reversal, redemption, paid.amount, paid.currency::text, wallet.balance - paid.amount, why)) || ']')::json);
  return null;
end $$;
