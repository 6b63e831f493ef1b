import { type Logger, pino } from 'pino';

export type { Logger };

/** Logs JSON lines to standard error; codes, phones and keys never get into them. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
