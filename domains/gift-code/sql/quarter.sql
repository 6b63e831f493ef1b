-- The quarter of an hour by which rollups and statistics count what was settled at a time: its begin.
create or replace function quarter_1(settled_at timestamptz) returns timestamptz language sql immutable as $$
  select date_bin('15 minutes', settled_at, timestamptz '2000-01-01 00:00:00Z')
$$;
