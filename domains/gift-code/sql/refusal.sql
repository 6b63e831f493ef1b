-- Why a code cannot be redeemed at `at`, or null. The door, the dry run and reserve ask this same question.
-- `places` is what is left of the code: its max_redemptions less those reserved and redeemed.
create or replace function refusal_1(
  group_disabled boolean, code_disabled boolean, starts_at timestamptz, ends_at timestamptz, at timestamptz,
  places integer, max_redemptions integer, reserved integer
) returns text language sql immutable as $$
  select case
    when group_disabled then 'group-disabled'
    when code_disabled then 'code-disabled'
    when at < starts_at then 'code-not-started'
    when at >= ends_at then 'code-expired'
    when places <= 0 then case
      when max_redemptions > 1 then 'code-exhausted'
      when reserved > 0 then 'code-reserved'
      else 'code-already-redeemed' end
  end
$$;
