-- Notes that a completed redemption is to be taken back, before anything else is done: from then on the sweeper finds it here.
-- Answers what is noted: this order, an earlier one of the same redemption, which is asked for once more, or what the same request
-- was for; no row where the redemption is not completed.
--
-- Concurrency: the redemption's lock, so that of a reversal that is just over nothing stays behind. Of two that use one request's
-- id for two redemptions the second waits for the first one at the unique key.
create or replace function begin_reversal_1(request uuid, redemption uuid, keep_place boolean, why text)
returns table (request_noted uuid, redemption_noted uuid, keep_place_noted boolean, reason_noted text, begun boolean)
language plpgsql set enable_seqscan = off as $$
declare
  is_new boolean;
begin
  perform 1 from redemptions where id = redemption and state = 'completed' for no key update;
  if not found then
    return;
  end if;
  insert into reversals (redemption_id, request_id, keep_place, reason)
  values (redemption, request, begin_reversal_1.keep_place, why) on conflict do nothing;
  is_new := found;
  if not is_new then
    update reversals set asks = asks + 1 where redemption_id = redemption and ended_at is null;
  end if;
  return query
  select r.request_id, r.redemption_id, r.keep_place, r.reason, is_new from reversals r where r.request_id = request
  union all
  select r.request_id, r.redemption_id, r.keep_place, r.reason, is_new from reversals r
  where r.redemption_id = redemption and not exists (select from reversals where request_id = request);
end $$;
