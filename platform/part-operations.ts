import { bound } from './bound.ts';
import { contentVersion, type Database, query } from './database.ts';
import { databaseFacts } from './database-facts.ts';
import { findEvents } from './outbox-find.ts';
import { replayOutbox } from './outbox-replay.ts';
import { outboxStatus } from './outbox-status.ts';

type AnyDatabase = Omit<Database<never>, 'orm'>;

/** What each part does for the gateway, with its own database. */
export const partOperations = (db: AnyDatabase) =>
  bound({ databaseFacts, findEvents, nowMs, outboxStatus, ping, replayOutbox, versionOfContent }, db);

/** The database's clock, in milliseconds since 1970. */
const nowMs = async (db: AnyDatabase): Promise<number> => db.nowMs();

/** @throws DatabaseUnavailable */
export const ping = async (db: Pick<AnyDatabase, 'door'>, timeoutMs: number): Promise<void> => {
  await query(db.door, { text: 'select 1' }, timeoutMs);
};

/** As `contentVersion`, of what is read through `reads`. */
const versionOfContent = (db: AnyDatabase, timeoutMs: number): Promise<string> => contentVersion(db.reads, timeoutMs);
