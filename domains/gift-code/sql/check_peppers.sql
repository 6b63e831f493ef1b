-- Refuses (VS002) who is about to write codes without a hash under each pepper that is in use, or with one under a pepper
-- that no longer is.
--
-- Concurrency: a shared advisory lock, to the end of the transaction. A pepper comes into use or is withdrawn under the same
-- lock, exclusively: so whoever does that sees the codes of all that did not know of it. See docs/adr/0020.
create or replace function check_peppers_1(peppers smallint[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('vouchsafe code keys', 0));
  if exists (select from code_keys where purpose = 'pepper' and (withdrawn_at is null) <> (key_id = any (peppers))) then
    raise exception 'add_codes: the peppers of this process are not those in use' using errcode = 'VS002';
  end if;
end $$;
