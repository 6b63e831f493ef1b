ALTER TABLE "redemptions" DROP CONSTRAINT "redemptions_code_id_codes_id_fk";--> statement-breakpoint
-- Instead of the key dropped above, and of the group as well: see docs/adr/0010. `offset 0` has each code looked up by its key.
CREATE FUNCTION "require_codes_of_groups"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$ begin
  if exists (select from added a where not exists
    (select from codes c where c.id = a.code_id and c.group_id = a.group_id offset 0)) then
    raise exception 'a redemption without its code' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;--> statement-breakpoint
CREATE TRIGGER "redemptions_code_of_group" AFTER INSERT ON "redemptions" REFERENCING NEW TABLE AS "added"
  FOR EACH STATEMENT EXECUTE FUNCTION "require_codes_of_groups"();--> statement-breakpoint
CREATE TRIGGER "redemptions_code_kept" BEFORE UPDATE OF "code_id", "group_id" ON "redemptions"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();
