-- Notes that a completed redemption is to be taken back, before its wallet is debited: whatever becomes of the workflow from
-- then on, the sweeper finds it here. One that is over, and one that is not completed, is not noted.
--
-- Concurrency: the redemption's lock, so that of a reversal that is just over nothing stays behind.
create or replace function begin_reversal_1(redemption uuid, keep_place boolean, why text, deadline timestamptz)
returns void language plpgsql set enable_seqscan = off as $$
begin
  if clock_timestamp() >= deadline then
    raise exception 'reverse: its deadline has passed' using errcode = 'VS001';
  end if;
  perform 1 from redemptions where id = redemption and state = 'completed' for no key update;
  if found then
    insert into reversals (redemption_id, keep_place, reason) values (redemption, keep_place, why)
    on conflict (redemption_id) do update set keep_place = excluded.keep_place, reason = excluded.reason;
  end if;
end $$;
