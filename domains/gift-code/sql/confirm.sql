-- Completes reserved redemptions whose wallets have been credited, and gives each its use number of the code.
-- Answers the rows that exist, with their code and group, whatever their state: the caller checks it.
--
-- Concurrency: codes, then redemptions, each by id; see reserve. Uses of one code are numbered under its lock.
-- Repeated: a row that is not reserved any more is answered as it is; nothing is written.
create or replace function confirm_1(ids uuid[], workflow text, deadline timestamptz)
returns table (
  id uuid, state text, reason text, amount bigint, currency text, reference text, use_number integer,
  workflow_id text, client_id uuid, wallet_id uuid, code_id uuid, last4 text, max_redemptions integer,
  group_id uuid, group_name text, created_at timestamptz, settled_at timestamptz
) language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  over uuid[];
begin
  if clock_timestamp() >= deadline then
    raise exception 'confirm: its deadline has passed' using errcode = 'VS001';
  end if;

  perform 1 from codes where id = any(array(select code_id from redemptions where id = any(ids))) order by id for no key update;
  select array_agg(r.id) filter (where r.state <> 'reserved') into over
  from (select id, state from redemptions where id = any(ids) order by id for no key update) r;

  return query
  with next as (
    select r.id, c.redeemed + row_number() over (partition by r.code_id order by i.position) as use_number, c.last4,
      c.max_redemptions, g.name as group_name
    from unnest(ids) with ordinality i(id, position)
    cross join lateral (select * from redemptions where id = i.id and state = 'reserved' offset 0) r
    cross join lateral (select redeemed, last4, max_redemptions from codes where id = r.code_id offset 0) c
    cross join lateral (select name from code_groups where id = r.group_id offset 0) g
  ), completed as (
    update redemptions r
    set state = 'completed', use_number = next.use_number, settled_at = now(), version = r.version + 1, workflow_id = workflow
    from next where r.id = next.id
    returning r.*, next.last4, next.max_redemptions, next.group_name
  ), places as (
    update codes c set reserved = c.reserved - n.uses, redeemed = c.redeemed + n.uses
    from (select code_id, count(*)::integer as uses from completed group by code_id) n
    where c.id = n.code_id
  ), announced as (
    insert into outbox_batches (aggregate, event_count, events)
    select 'redemption', count(*), ('[' || string_agg(event_1(id, version, 'redemption.completed',
      redemption_data_1(id, code_id, group_id, wallet_id, amount, currency, reference)), ',') || ']')::json
    from completed having count(*) > 0
  )
  select id, state, reason, amount, currency::text, reference, use_number, workflow_id, client_id, wallet_id, code_id,
    last4, max_redemptions, group_id, group_name, created_at, settled_at
  from completed;

  if over is not null then
    return query select * from read_redemptions_1(over);
  end if;
end $$;
