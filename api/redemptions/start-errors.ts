import { ServiceError } from '@temporalio/client';

const INVALID_ARGUMENT = 3;
const UNAUTHENTICATED = 16;

/** Whether a failed start certainly reached nobody: no connection could be made, or the request was turned away. */
export function isSurelyNotStarted(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false;
  const { code, message } = (error.cause ?? {}) as { code?: number; message?: string };
  if (code === INVALID_ARGUMENT || code === UNAUTHENTICATED) return true;
  return /tcp connect error|Connection refused|dns error/i.test(message ?? '');
}
