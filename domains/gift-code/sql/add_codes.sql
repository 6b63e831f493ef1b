-- Writes new codes into a group with their look-up hashes, and answers the ids of those written: not of a code that is
-- there already under any of the peppers. What is secret comes packed, which is read twice as fast as arrays: `seals` one
-- after the other, each up to its `seal_ends`; `hashes` of 32 bytes, every code's under the first pepper, then every
-- code's under the next one.
--
-- Concurrency: the primary key of `code_hashes` decides. Hashes are written in its order, so that two callers with the
-- same codes meet in one order. Peppers come and go while processes run: one that another caller has, and we have not as
-- the first, is looked for before, and in the same moment fails the statement. Hashes under every pepper that is in use are
-- a must: who lacks one is refused, and no pepper comes or goes meanwhile.
create or replace function add_codes_1(
  new_group uuid, ids uuid[], code_positions integer[], places integer[], last_characters text[], seals bytea,
  seal_ends integer[], seal_key smallint, hashes bytea, peppers smallint[]
) returns setof uuid
-- The planner cannot see how long the arrays are.
language sql set enable_nestloop = off as $$
  select check_peppers_1(peppers);
  -- Whoever seals all codes with another key is to look at these, too.
  update code_keys set reached = null
  where purpose = 'seal' and key_id <> seal_key and withdrawn_at is null and reached is not null;
  with given as materialized (
    select number::integer, id, position, places, last4,
      substring(seals from 1 + coalesce(seal_ends[number - 1], 0) for seal_ends[number] - coalesce(seal_ends[number - 1], 0)) as seal
    from unnest(ids, code_positions, places, last_characters) with ordinality g(id, position, places, last4, number)
  ), fresh as materialized (
    insert into code_hashes (hash, code_id, key_id)
    select substring(hashes from 32 * number - 31 for 32) as hash, id, peppers[1] from given
    where cardinality(peppers) = 1 or not exists (
      select from code_hashes where hash = any (array(
        select substring(hashes from 32 * (number + cardinality(ids) * n) - 31 for 32)
        from generate_series(0, cardinality(peppers) - 1) n)))
    order by hash
    on conflict do nothing
    returning code_id
  ), others as (
    insert into code_hashes (hash, code_id, key_id)
    select substring(hashes from 32 * (number + cardinality(ids) * (p.rank::integer - 1)) - 31 for 32) as hash, given.id, p.id
    from unnest(peppers) with ordinality p(id, rank), given join fresh on code_id = given.id
    where p.rank > 1
    order by hash
  )
  insert into codes (id, group_id, position, max_redemptions, last4, sealed, seal_key_id)
  select id, new_group, position, places, last4, seal, seal_key
  from given join fresh on code_id = id
  order by number
  returning id
$$;
