-- Ends a generation that runs, with its event, and answers how it ended, now or earlier. What it has made stays. No row
-- where there is no such generation.
--
-- Concurrency: the generation's row is locked before the group's, as in generate_codes: a chunk under way comes first,
-- and none comes after.
create or replace function end_generation_1(generation uuid, end_state text)
returns table (state text, made integer, total integer) language plpgsql as $$
#variable_conflict use_column
declare
  addition code_additions;
begin
  update code_additions set state = end_state, ended_at = now() where id = generation and state = 'running'
  returning * into addition;
  if found then
    with moved as (
      update code_groups set version = version + 1, updated_at = now() where id = addition.group_id
      returning id, version, code_count
    )
    insert into outbox_batches (aggregate, event_count, events)
    select 'code_group', 1, json_build_array(json_build_object('id', id, 'version', version, 'type', 'code_group.generated',
      'data', json_build_object('code_group_id', id, 'state', addition.state, 'made', addition.made,
        'total', addition.total, 'code_count', code_count)))
    from moved;
  end if;
  return query select a.state, a.made, a.total from code_additions a where a.id = generation;
end $$;
