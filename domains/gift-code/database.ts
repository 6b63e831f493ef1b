import type { Database } from '../../platform/database.ts';
import type * as schema from './schema.ts';

export type GiftCodeDatabase = Database<typeof schema>;
