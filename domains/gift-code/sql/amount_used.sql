-- What a group's redemptions hold of a budget, in minor units: its rollup and, counted from the rows, what came since. Both are
-- read from the snapshot of the calling statement, as in every stable function.
create or replace function amount_used_1(used_group uuid) returns numeric language plpgsql stable
set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
  mark timestamptz := coalesce((select rolled_to from rollups where group_id = used_group), '-infinity');
begin
  return (select coalesce(sum(credited), 0) from rollup_quarters where group_id = used_group)
    + (select coalesce(sum(amount), 0) from redemptions
      where group_id = used_group and created_at >= mark and state in ('reserved', 'completed'));
end $$;
