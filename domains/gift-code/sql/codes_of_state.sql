-- The ids of up to `most` codes of a group that are in a state, those of the highest positions before `before`, of those
-- created from `listed_from` on and before `listed_to`.
--
-- No index holds the counters that make the state (docs/adr/0003). So the next positions are gone through, which mostly have
-- enough of them; where they have not, the codes are found that can be meant at all: those that are reserved by their
-- redemptions, disabled ones by an index, those that have spent uses by the blocks of the group's rollup and by what has been
-- redeemed since, all read from one snapshot as in code_group_stats. Unused ones are nearly all, or gone through.
create or replace function codes_of_state_1(
  listed_group uuid, wanted text, before integer, listed_from timestamptz, listed_to timestamptz, most integer
) returns setof uuid language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  mark timestamptz := coalesce((select rolled_to from rollups where group_id = listed_group), '-infinity');
  top integer := least(before, (select max(position) + 1 from codes where group_id = listed_group));
  gone_through integer := case wanted when 'unused' then top else 1000 end;
  found_ids uuid[] := array(
    select id from codes
    where group_id = listed_group and position >= top - gone_through and position < top
      and created_at >= listed_from and created_at < listed_to
      and code_state_1(disabled, redeemed, reserved, max_redemptions) = wanted
    order by position desc limit most);
  single_ids uuid[];
begin
  if cardinality(found_ids) = most or wanted = 'unused' then
    return query select unnest(found_ids);
    return;
  end if;
  single_ids := case wanted
    when 'disabled' then array(select id from codes where group_id = listed_group and disabled)
    when 'reserved' then array(
      select code_id from redemptions
      where group_id = listed_group and created_at >= (select swept_to from sweep_marks) and state = 'reserved')
    else array(select code_id from redemptions where group_id = listed_group and created_at >= mark) end;
  return query
  with in_blocks as (
    select c.id, c.position
    from (
      select first_position from rollup_blocks
      where group_id = listed_group and first_position < top
        and (wanted = 'used' and codes_used > 0 or wanted = 'partly_used' and codes_touched > codes_used)
      order by first_position desc offset 0
    ) b
    cross join lateral (
      select id, position from codes
      where group_id = listed_group and position >= b.first_position and position < least(b.first_position + 100, top)
        and created_at >= listed_from and created_at < listed_to
        and code_state_1(disabled, redeemed, reserved, max_redemptions) = wanted
      order by position desc offset 0
    ) c
    order by b.first_position desc, c.position desc limit most
  ), singles as (
    select id, position from codes
    where id = any(single_ids) and position < top and created_at >= listed_from and created_at < listed_to
      and code_state_1(disabled, redeemed, reserved, max_redemptions) = wanted
    order by position desc limit most
  )
  select id from (select * from in_blocks union select * from singles) found
  order by position desc limit most;
end $$;
