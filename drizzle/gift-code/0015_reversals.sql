CREATE TABLE "reversals" (
	"redemption_id" uuid PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"keep_place" boolean NOT NULL,
	"reason" text NOT NULL,
	"asks" integer DEFAULT 1 NOT NULL,
	"begun_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "reversals" ADD CONSTRAINT "reversals_redemption_id_redemptions_id_fk" FOREIGN KEY ("redemption_id") REFERENCES "public"."redemptions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "reversals_request" ON "reversals" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "reversals_under_way" ON "reversals" USING btree ("begun_at","redemption_id") WHERE "reversals"."ended_at" is null;