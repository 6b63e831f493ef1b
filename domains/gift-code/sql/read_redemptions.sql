-- Redemptions with the code and group they belong to; ids without a row are left out.
create or replace function read_redemptions_1(ids uuid[]) returns table (
  id uuid, state text, reason text, amount bigint, currency text, reference text, use_number integer,
  workflow_id text, client_id uuid, wallet_id uuid, code_id uuid, last4 text, max_redemptions integer,
  group_id uuid, group_name text, created_at timestamptz, settled_at timestamptz
) language sql stable as $$
  select r.id, r.state, r.reason, r.amount, r.currency::text, r.reference, r.use_number,
    r.workflow_id, r.client_id, r.wallet_id, r.code_id, c.last4, c.max_redemptions,
    r.group_id, g.name, r.created_at, r.settled_at
  from unnest(ids) i(id)
  join redemptions r on r.id = i.id
  join codes c on c.id = r.code_id
  join code_groups g on g.id = r.group_id
$$;
