-- The wallet's side of redemptions, one row an item in the order given: the wallet as that redemption's transfer left
-- it, or as it is now where none was made.
create or replace function read_wallet_sides_1(redemption_ids uuid[], wallet_ids uuid[]) returns table (
  wallet_id uuid, phone text, currency text, balance bigint, transaction_id uuid, credited_at timestamptz
) language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  select w.id, w.phone, w.currency::text, coalesce(t.balance_after, w.balance), t.id, t.created_at
  from unnest(redemption_ids, wallet_ids) with ordinality i(redemption_id, wallet_id, position)
  left join lateral (select * from wallets where id = i.wallet_id offset 0) w on true
  left join lateral (select * from transfers where id = i.redemption_id and kind = 'redemption' offset 0) t on true
  order by i.position;
end $$;
