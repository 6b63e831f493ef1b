-- What the wallet decided about redemptions: the transfer, or the void, of each id that has one, in the order given.
create or replace function read_settlements_1(ids uuid[]) returns table (
  id uuid, voided boolean, reason text, amount bigint, balance_after bigint, wallet_version bigint,
  wallet_id uuid, phone text, currency text, created_at timestamptz
) language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  select t.id, t.kind = 'void', t.reason, t.amount, t.balance_after, t.wallet_version,
    t.wallet_id, w.phone, w.currency::text, t.created_at
  from unnest(ids) with ordinality i(id, position)
  cross join lateral (select * from transfers where id = i.id and kind in ('redemption', 'void') offset 0) t
  left join lateral (select phone, currency from wallets where id = t.wallet_id offset 0) w on true
  order by i.position;
end $$;
