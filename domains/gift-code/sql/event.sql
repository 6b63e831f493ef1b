-- An event as outbox batches have it, as JSON. `data` is JSON, too. Put together as text: json_build_object takes three times
-- as long. See docs/adr/0017.
create or replace function event_1(id uuid, version bigint, type text, data text) returns text language sql stable as $$
  select concat('{"id":"', id, '","version":', version, ',"type":"', type, '","data":', data, '}')
$$;
