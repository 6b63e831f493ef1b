-- What is rolled up is counted anew by the sweeper; until then statistics and lists are counted from the rows.
TRUNCATE "rollups", "rollup_quarters", "rollup_redeemers", "rollup_uses";--> statement-breakpoint
ALTER TABLE "rollup_redeemers" DROP CONSTRAINT "rollup_redeemers_completed";--> statement-breakpoint
ALTER TABLE "rollup_redeemers" ADD COLUMN "last_settled_at" timestamp (3) with time zone NOT NULL;--> statement-breakpoint
CREATE INDEX "redemptions_client" ON "redemptions" USING btree ("client_id","created_at");--> statement-breakpoint
CREATE INDEX "redemptions_reason" ON "redemptions" USING btree ("created_at","id") WHERE "redemptions"."reason" is not null;--> statement-breakpoint
CREATE INDEX "rollup_redeemers_last" ON "rollup_redeemers" USING btree ("group_id","last_settled_at","wallet_id");--> statement-breakpoint
ALTER TABLE "rollup_redeemers" ADD CONSTRAINT "rollup_redeemers_completed" CHECK ("rollup_redeemers"."completed" > 0);