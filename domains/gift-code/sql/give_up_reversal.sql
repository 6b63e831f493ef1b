-- Forgets that a redemption was to be taken back, where the wallet has refused: nothing has changed.
--
-- Concurrency: the redemption's lock first, as all who note or end a reversal.
create or replace function give_up_reversal_1(redemption uuid, deadline timestamptz)
returns void language plpgsql set enable_seqscan = off as $$
begin
  if clock_timestamp() >= deadline then
    raise exception 'reverse: its deadline has passed' using errcode = 'VS001';
  end if;
  perform 1 from redemptions where id = redemption for no key update;
  delete from reversals where redemption_id = redemption and ended_at is null;
end $$;
