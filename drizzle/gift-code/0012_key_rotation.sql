ALTER TABLE "code_keys" ADD COLUMN "reached" uuid;--> statement-breakpoint
ALTER TABLE "code_keys" ADD COLUMN "withdrawn_at" timestamp (3) with time zone;