import { deserialize, serialize } from 'node:v8';
import { ContentionError, DatabaseUnavailable, DataError } from './database-errors.ts';

/**
 * What parts that run apart say to each other: values as Node's structured clone writes them, so that times, big integers
 * and bytes come over as they are. Operations are sent as `POST /operations/NAME`, their arguments as a list; the answer is
 * a result, after a byte for each second that it took: so whoever waits knows that it is still worked on.
 */
export const OPERATIONS = '/operations/';
export const ALIVE = Buffer.of(0);
export const ALIVE_EVERY_MS = 1_000;

type Told =
  | { is: 'result'; value: unknown }
  | { is: 'unavailable'; message: string; mayHaveHappened: boolean }
  | { is: 'contention'; message: string }
  | { is: 'data'; message: string; sqlState: string; constraint: string | undefined }
  | { is: 'failure'; message: string };

export const writeArguments = (values: unknown[]): Buffer => serialize(values);

/** @throws Error for what is no list */
export function readArguments(message: Buffer): unknown[] {
  const values: unknown = deserialize(message);
  if (!Array.isArray(values)) throw new Error('arguments are a list');
  return values;
}

export const writeResult = (value: unknown): Buffer => serialize({ is: 'result', value } satisfies Told);

/** @param error as `operationError` sorts it */
export const writeError = (error: unknown): Buffer => serialize(toldOf(error) satisfies Told);

function toldOf(error: unknown): Told {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DatabaseUnavailable) {
    return { is: 'unavailable', message, mayHaveHappened: error.mayHaveHappened };
  }
  if (error instanceof ContentionError) return { is: 'contention', message };
  if (error instanceof DataError) {
    return { is: 'data', message, sqlState: error.sqlState, constraint: error.constraint };
  }
  return { is: 'failure', message };
}

/** What `v8.serialize` begins with. */
const SERIALIZED = 0xff;

const startOf = (message: Buffer) => message.findIndex((byte) => byte !== ALIVE[0]);

/** Whether it is what a part answers, and not somebody between. */
export const isAnswer = (message: Buffer): boolean => message[startOf(message)] === SERIALIZED;

/** The result of an operation. @throws what it threw: DatabaseUnavailable, ContentionError, DataError or Error */
export function readAnswer(message: Buffer): unknown {
  const told = deserialize(message.subarray(startOf(message))) as Told;
  switch (told.is) {
    case 'result':
      return told.value;
    case 'unavailable':
      throw Object.assign(new DatabaseUnavailable('', told.mayHaveHappened), { message: told.message });
    case 'contention':
      throw new ContentionError(told.message);
    case 'data':
      throw new DataError(told.message, told.sqlState, told.constraint);
    case 'failure':
      throw new Error(told.message);
  }
}
