-- Forgets that a redemption was to be taken back, where the wallet has refused: nothing has changed. Answers whether it is
-- forgotten, now or earlier: not where it has been asked for since.
--
-- Concurrency: the redemption's lock first, as all who note or end a reversal.
create or replace function give_up_reversal_1(request uuid, redemption uuid, asks_seen integer, deadline timestamptz)
returns boolean language plpgsql set enable_seqscan = off as $$
begin
  if clock_timestamp() >= deadline then
    raise exception 'reverse: its deadline has passed' using errcode = 'VS001';
  end if;
  perform 1 from redemptions where id = redemption for no key update;
  delete from reversals where request_id = request and ended_at is null and asks = asks_seen;
  return not exists (select from reversals where request_id = request and ended_at is null);
end $$;
