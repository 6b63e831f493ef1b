CREATE TABLE "reversals" (
	"redemption_id" uuid PRIMARY KEY NOT NULL,
	"keep_place" boolean NOT NULL,
	"reason" text NOT NULL,
	"begun_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "reversals" ADD CONSTRAINT "reversals_redemption_id_redemptions_id_fk" FOREIGN KEY ("redemption_id") REFERENCES "public"."redemptions"("id") ON DELETE no action ON UPDATE no action;