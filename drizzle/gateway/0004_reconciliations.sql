CREATE TABLE "reconciliations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"findings" jsonb,
	"error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"alive_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "reconciliations_state" CHECK ("reconciliations"."state" in ('running', 'balanced', 'unbalanced', 'failed')),
	CONSTRAINT "reconciliations_finished" CHECK (("reconciliations"."state" = 'running') = ("reconciliations"."finished_at" is null))
);
--> statement-breakpoint
CREATE INDEX "reconciliations_created" ON "reconciliations" USING btree ("created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "reconciliations_running" ON "reconciliations" USING btree ("state") WHERE "reconciliations"."state" = 'running';