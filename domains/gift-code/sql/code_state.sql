-- What a code is said to be: the first of these that fits. Lists, details, exports and statistics all say the same.
create or replace function code_state_1(disabled boolean, redeemed integer, reserved integer, max_redemptions integer)
returns text language sql immutable as $$
  select case
    when disabled then 'disabled'
    when redeemed >= max_redemptions then 'used'
    when reserved > 0 then 'reserved'
    when redeemed > 0 then 'partly_used'
    else 'unused' end
$$;
