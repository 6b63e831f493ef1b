ALTER TABLE "code_groups" ADD COLUMN "limit_period" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "wallet_uses" ADD COLUMN "limit_period" integer DEFAULT 0 NOT NULL;