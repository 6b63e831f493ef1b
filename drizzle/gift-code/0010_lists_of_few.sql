-- What is rolled up is counted anew by the sweeper; until then statistics and lists are counted from the rows.
TRUNCATE "rollups", "rollup_quarters", "rollup_redeemers", "rollup_uses";--> statement-breakpoint
CREATE TABLE "rollup_blocks" (
	"group_id" uuid NOT NULL,
	"first_position" integer NOT NULL,
	"codes_touched" integer NOT NULL,
	"codes_used" integer NOT NULL,
	CONSTRAINT "rollup_blocks_group_id_first_position_pk" PRIMARY KEY("group_id","first_position"),
	CONSTRAINT "rollup_blocks_codes" CHECK (least("rollup_blocks"."codes_touched", "rollup_blocks"."codes_used") >= 0)
);
--> statement-breakpoint
ALTER TABLE "rollup_redeemers" DROP CONSTRAINT "rollup_redeemers_completed";--> statement-breakpoint
DROP INDEX "codes_coupons";--> statement-breakpoint
ALTER TABLE "rollup_redeemers" ADD COLUMN "last_settled_at" timestamp (3) with time zone NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup_blocks" ADD CONSTRAINT "rollup_blocks_group_id_rollups_group_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."rollups"("group_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "redemptions_client" ON "redemptions" USING btree ("client_id","created_at");--> statement-breakpoint
CREATE INDEX "redemptions_reason" ON "redemptions" USING btree ("created_at","id") WHERE "redemptions"."reason" is not null;--> statement-breakpoint
CREATE INDEX "rollup_redeemers_last" ON "rollup_redeemers" USING btree ("group_id","last_settled_at","wallet_id");--> statement-breakpoint
ALTER TABLE "rollup_redeemers" ADD CONSTRAINT "rollup_redeemers_completed" CHECK ("rollup_redeemers"."completed" > 0);