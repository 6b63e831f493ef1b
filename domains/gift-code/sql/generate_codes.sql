-- Writes the next chunk of a generation, and answers where the generation stands: nothing is written unless it runs and
-- has made exactly as many as the caller thinks. No row where there is no such generation.
--
-- Concurrency: the generation's row is locked first, so chunks and its end come one after the other. Two drivers, or an
-- attempt that comes late, think of a `made` that has passed, and write nothing: so there is no code twice and no gap. The
-- group's row comes last and is held for a moment only: a redemption that needs it does not wait for a chunk.
-- A code that exists already (there are 2^75) undoes the chunk; the caller makes others.
create or replace function generate_codes_1(
  generation uuid, expected integer, ids uuid[], last_characters text[], seals bytea, seal_ends integer[],
  seal_key smallint, hashes bytea, peppers smallint[], deadline timestamptz
) returns table (state text, made integer, total integer) language plpgsql as $$
#variable_conflict use_column
declare
  addition code_additions;
  chunk integer := cardinality(ids);
  written integer;
begin
  if clock_timestamp() >= deadline then
    raise exception 'generate_codes: its deadline has passed' using errcode = 'VS001';
  end if;
  select * into addition from code_additions where id = generation for no key update;
  if addition.state = 'running' and addition.made = expected then
    select count(*) into written from add_codes_1(addition.group_id, ids,
      array(select addition.first_position + expected + n from generate_series(0, chunk - 1) n order by n),
      array_fill(1, array[chunk]), last_characters, seals, seal_ends, seal_key, hashes, peppers);
    if written < chunk then
      raise exception 'generate_codes: a code exists already' using errcode = '40001';
    end if;
    update code_additions set made = made + chunk where id = generation;
    update code_groups set code_count = code_count + chunk, places = places + chunk where id = addition.group_id;
    if expected + chunk = addition.total then
      perform from end_generation_1(generation, 'done');
    end if;
  end if;
  return query select a.state, a.made, a.total from code_additions a where a.id = generation;
end $$;
