-- Room on each page, so that the updates of a redemption's life stay heap-only.
ALTER TABLE "redemptions" SET (fillfactor = 80);--> statement-breakpoint
ALTER TABLE "codes" SET (fillfactor = 85);--> statement-breakpoint
ALTER TABLE "wallet_uses" SET (fillfactor = 70);--> statement-breakpoint
-- Old enough for any first redemption; the sweeper moves it on.
INSERT INTO "sweep_marks" ("swept_to") VALUES ('2000-01-01T00:00:00Z');
