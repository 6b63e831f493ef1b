-- Redemptions with the code and group they belong to; ids without a row are left out.
create or replace function read_redemptions_1(ids uuid[]) returns table (
  id uuid, state text, reason text, amount bigint, currency text, reference text, use_number integer,
  workflow_id text, client_id uuid, wallet_id uuid, code_id uuid, last4 text, max_redemptions integer,
  group_id uuid, group_name text, created_at timestamptz, settled_at timestamptz
) language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  select r.id, r.state, r.reason, r.amount, r.currency::text, r.reference, r.use_number,
    r.workflow_id, r.client_id, r.wallet_id, r.code_id, c.last4, c.max_redemptions,
    r.group_id, c.group_name, r.created_at, r.settled_at
  from unnest(ids) i(id)
  cross join lateral (select * from redemptions where id = i.id offset 0) r
  cross join lateral (
    select c.last4, c.max_redemptions, g.name as group_name
    from codes c join code_groups g on g.id = c.group_id
    where c.id = r.code_id offset 0
  ) c;
end $$;
