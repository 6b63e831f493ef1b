-- The block of a group's positions by which rollups count its codes: its first position. A block has 100 of them.
create or replace function block_1(code_position integer) returns integer language sql immutable as $$
  select code_position - code_position % 100
$$;
