-- Takes a redemption that has just been reversed out of what its group's rollup adds up to, if it was counted there.
--
-- Concurrency: called under the locks of reserve, takes that of the rollup's row as the last one and keeps it to the end:
-- see roll_redemptions. A group without that row gets it, since nothing else could be waited for.
create or replace function unroll_redemption_1(gone redemptions) returns void
language plpgsql set enable_seqscan = off as $$
declare
  mark timestamptz;
  span rollup_quarters;
  is_redeemer boolean;
  left_wallet uuid;
  uses integer;
  block integer;
  spent_left integer;
begin
  insert into rollups (group_id) values (gone.group_id) on conflict do nothing;
  select r.rolled_to into mark from rollups r where r.group_id = gone.group_id for no key update;
  if gone.created_at >= mark then
    return;
  end if;

  update rollup_quarters q set completed = q.completed - 1, credited = q.credited - gone.amount,
    first_settled_at = case when q.completed > 1 then q.first_settled_at end,
    last_settled_at = case when q.completed > 1 then q.last_settled_at end
  where q.group_id = gone.group_id
    and q.quarter = quarter_1(gone.settled_at)
  returning * into strict span;
  if gone.settled_at in (span.first_settled_at, span.last_settled_at) then
    update rollup_quarters q set (first_settled_at, last_settled_at) = (
      select min(r.settled_at), max(r.settled_at) from redemptions r
      where r.group_id = gone.group_id and r.created_at between span.created_from and span.created_to
        and r.state = 'completed' and r.settled_at >= span.quarter and r.settled_at < span.quarter + interval '15 minutes')
    where q.group_id = span.group_id and q.quarter = span.quarter;
  end if;

  update rollup_redeemers w set completed = w.completed - 1,
    last_settled_at = case
      when gone.settled_at < w.last_settled_at then w.last_settled_at
      else (
        select max(r.settled_at) from redemptions r
        where r.wallet_id = gone.wallet_id and r.created_at < mark and r.group_id = gone.group_id and r.state = 'completed')
    end
  where w.group_id = gone.group_id and w.wallet_id = gone.wallet_id and w.completed > 1;
  is_redeemer := found;
  if not is_redeemer then
    delete from rollup_redeemers w where w.group_id = gone.group_id and w.wallet_id = gone.wallet_id
    returning w.wallet_id into strict left_wallet;
  end if;
  if not gone.place_kept then
    select c.max_redemptions, block_1(c.position) into strict uses, block from codes c where c.id = gone.code_id;
    if uses > 1 then
      update rollup_uses u set spent = u.spent - 1 where u.group_id = gone.group_id and u.code_id = gone.code_id
      returning u.spent into strict spent_left;
    else
      spent_left := 0;
    end if;
    update rollup_blocks b set codes_touched = b.codes_touched - (spent_left = 0)::integer,
      codes_used = b.codes_used - (spent_left + 1 = uses)::integer
    where b.group_id = gone.group_id and b.first_position = block
    returning b.first_position into strict block;
  end if;
  update rollups r set reversed = r.reversed + 1,
    redeemers = r.redeemers - (not is_redeemer)::integer,
    places_redeemed = r.places_redeemed - (not gone.place_kept)::integer,
    codes_used = r.codes_used - coalesce((spent_left + 1 = uses)::integer, 0),
    codes_partly_used = r.codes_partly_used
      + coalesce((spent_left > 0)::integer - (spent_left + 1 < uses)::integer, 0)
  where r.group_id = gone.group_id;
end $$;
