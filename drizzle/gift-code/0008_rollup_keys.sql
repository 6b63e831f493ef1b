ALTER TABLE "rollup_redeemers" DROP CONSTRAINT "rollup_redeemers_group_id_rollups_group_id_fk";--> statement-breakpoint
ALTER TABLE "rollup_uses" DROP CONSTRAINT "rollup_uses_group_id_rollups_group_id_fk";--> statement-breakpoint
-- Instead of the two keys dropped above: see docs/adr/0010. The locks keep a rollup from being deleted beside its rows.
CREATE FUNCTION "require_rollups"() RETURNS trigger LANGUAGE plpgsql AS $$ begin
  perform from rollups r where r.group_id in (select group_id from added) for key share;
  if exists (select from (select distinct group_id from added) a where not exists
    (select from rollups r where r.group_id = a.group_id)) then
    raise exception 'a part of a rollup without it' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;--> statement-breakpoint
CREATE TRIGGER "rollup_redeemers_rollup" AFTER INSERT ON "rollup_redeemers" REFERENCING NEW TABLE AS "added"
  FOR EACH STATEMENT EXECUTE FUNCTION "require_rollups"();--> statement-breakpoint
CREATE TRIGGER "rollup_uses_rollup" AFTER INSERT ON "rollup_uses" REFERENCING NEW TABLE AS "added"
  FOR EACH STATEMENT EXECUTE FUNCTION "require_rollups"();--> statement-breakpoint
CREATE FUNCTION "remove_parts_of_rollups"() RETURNS trigger LANGUAGE plpgsql AS $$ begin
  delete from rollup_redeemers w using gone g where w.group_id = g.group_id;
  delete from rollup_uses u using gone g where u.group_id = g.group_id;
  return null;
end $$;--> statement-breakpoint
CREATE TRIGGER "rollups_removed" AFTER DELETE ON "rollups" REFERENCING OLD TABLE AS "gone"
  FOR EACH STATEMENT EXECUTE FUNCTION "remove_parts_of_rollups"();--> statement-breakpoint
CREATE TRIGGER "rollups_group_kept" BEFORE UPDATE OF "group_id" ON "rollups"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();--> statement-breakpoint
CREATE TRIGGER "rollup_redeemers_group_kept" BEFORE UPDATE OF "group_id" ON "rollup_redeemers"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();--> statement-breakpoint
CREATE TRIGGER "rollup_uses_group_kept" BEFORE UPDATE OF "group_id" ON "rollup_uses"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();
