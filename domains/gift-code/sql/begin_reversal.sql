-- Notes that a completed redemption is to be taken back, before anything else is done: from then on the sweeper finds it here.
-- Answers what is noted, which may have been another order's; no row where the redemption is not completed.
--
-- Concurrency: the redemption's lock, so that of a reversal that is just over nothing stays behind.
create or replace function begin_reversal_1(redemption uuid, keep_place boolean, why text)
returns table (begun boolean, keep_place_noted boolean, reason_noted text)
language plpgsql set enable_seqscan = off as $$
begin
  perform 1 from redemptions where id = redemption and state = 'completed' for no key update;
  if not found then
    return;
  end if;
  insert into reversals (redemption_id, keep_place, reason) values (redemption, begin_reversal_1.keep_place, why)
  on conflict (redemption_id) do nothing;
  begun := found;
  return query select begun, r.keep_place, r.reason from reversals r where r.redemption_id = redemption;
end $$;
