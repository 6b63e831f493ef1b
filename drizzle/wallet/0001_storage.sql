-- Room on each page, so that a balance's updates stay heap-only.
ALTER TABLE "wallets" SET (fillfactor = 70);--> statement-breakpoint
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'transfers are append-only' USING ERRCODE = 'restrict_violation';
END $$;--> statement-breakpoint
-- A movement is never edited or erased: it is taken back by another movement.
CREATE TRIGGER "transfers_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "transfers"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
