CREATE TABLE "rollup_quarters" (
	"group_id" uuid NOT NULL,
	"quarter" timestamp (3) with time zone NOT NULL,
	"completed" integer NOT NULL,
	"credited" numeric NOT NULL,
	"first_settled_at" timestamp (3) with time zone,
	"last_settled_at" timestamp (3) with time zone,
	"created_from" timestamp (3) with time zone NOT NULL,
	"created_to" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "rollup_quarters_group_id_quarter_pk" PRIMARY KEY("group_id","quarter"),
	CONSTRAINT "rollup_quarters_completed" CHECK ("rollup_quarters"."completed" >= 0),
	CONSTRAINT "rollup_quarters_settled" CHECK (("rollup_quarters"."completed" > 0) = ("rollup_quarters"."first_settled_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "rollup_redeemers" (
	"group_id" uuid NOT NULL,
	"wallet_id" uuid NOT NULL,
	"completed" integer NOT NULL,
	CONSTRAINT "rollup_redeemers_group_id_wallet_id_pk" PRIMARY KEY("group_id","wallet_id"),
	CONSTRAINT "rollup_redeemers_completed" CHECK ("rollup_redeemers"."completed" >= 0)
);
--> statement-breakpoint
CREATE TABLE "rollup_uses" (
	"group_id" uuid NOT NULL,
	"code_id" uuid NOT NULL,
	"spent" integer NOT NULL,
	CONSTRAINT "rollup_uses_group_id_code_id_pk" PRIMARY KEY("group_id","code_id"),
	CONSTRAINT "rollup_uses_spent" CHECK ("rollup_uses"."spent" >= 0)
);
--> statement-breakpoint
CREATE TABLE "rollups" (
	"group_id" uuid PRIMARY KEY NOT NULL,
	"rolled_to" timestamp (3) with time zone DEFAULT '-infinity' NOT NULL,
	"reversed" integer DEFAULT 0 NOT NULL,
	"places_redeemed" bigint DEFAULT 0 NOT NULL,
	"codes_used" integer DEFAULT 0 NOT NULL,
	"codes_partly_used" integer DEFAULT 0 NOT NULL,
	"redeemers" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "rollups_counts" CHECK (least("rollups"."reversed", "rollups"."places_redeemed", "rollups"."codes_used", "rollups"."codes_partly_used", "rollups"."redeemers") >= 0)
);
--> statement-breakpoint
ALTER TABLE "code_groups" ADD COLUMN "places" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup_quarters" ADD CONSTRAINT "rollup_quarters_group_id_rollups_group_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."rollups"("group_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollup_redeemers" ADD CONSTRAINT "rollup_redeemers_group_id_rollups_group_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."rollups"("group_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollup_uses" ADD CONSTRAINT "rollup_uses_group_id_rollups_group_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."rollups"("group_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollups" ADD CONSTRAINT "rollups_group_id_code_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."code_groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "codes_disabled" ON "codes" USING btree ("group_id") WHERE "codes"."disabled";--> statement-breakpoint
UPDATE "code_groups" g SET "places" = c."places"
FROM (SELECT "group_id", sum("max_redemptions") AS "places" FROM "codes" GROUP BY 1) c WHERE c."group_id" = g."id";--> statement-breakpoint
-- Half a page free, so that the updates of a rollup stay heap-only: nothing here is in an index but keys.
ALTER TABLE "rollups" SET (fillfactor = 50);--> statement-breakpoint
ALTER TABLE "code_groups" ADD CONSTRAINT "code_groups_places" CHECK ("code_groups"."places" >= "code_groups"."code_count");