import type { Database } from '../../platform/database.ts';
import type * as schema from './schema.ts';

export type GatewayDatabase = Database<typeof schema>;
