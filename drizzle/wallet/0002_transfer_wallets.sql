ALTER TABLE "transfers" DROP CONSTRAINT "transfers_wallet_id_wallets_id_fk";--> statement-breakpoint
-- Instead of the key dropped above: see docs/adr/0010. `offset 0` has each wallet looked up by its key.
CREATE FUNCTION "require_wallets"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$ begin
  if exists (select from added a where a.wallet_id is not null
    and not exists (select from wallets w where w.id = a.wallet_id offset 0)) then
    raise exception 'a transfer without its wallet' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;--> statement-breakpoint
CREATE TRIGGER "transfers_wallet" AFTER INSERT ON "transfers" REFERENCING NEW TABLE AS "added"
  FOR EACH STATEMENT EXECUTE FUNCTION "require_wallets"();--> statement-breakpoint
CREATE FUNCTION "refuse_removal"() RETURNS trigger LANGUAGE plpgsql AS $$ begin
  raise exception '% are kept for good', tg_table_name using errcode = 'restrict_violation';
end $$;--> statement-breakpoint
CREATE TRIGGER "wallets_kept" BEFORE DELETE OR UPDATE OF "id" ON "wallets"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_removal"();
