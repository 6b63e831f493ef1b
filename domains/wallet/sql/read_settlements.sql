-- What the wallet decided about redemptions: the transfer, or the void, of each id that has one, in the order given.
create or replace function read_settlements_1(ids uuid[]) returns table (
  id uuid, voided boolean, reason text, amount bigint, balance_after bigint, wallet_version bigint,
  wallet_id uuid, phone text, currency text, created_at timestamptz
) language sql stable as $$
  select t.id, t.kind = 'void', t.reason, t.amount, t.balance_after, t.wallet_version,
    t.wallet_id, w.phone, w.currency::text, t.created_at
  from unnest(ids) with ordinality i(id, position)
  join transfers t on t.id = i.id and t.kind in ('redemption', 'void')
  left join wallets w on w.id = t.wallet_id
  order by i.position
$$;
