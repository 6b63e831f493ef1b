import { GENERATED_LENGTH } from '../platform/code-text.ts';

export interface GivenCodeLengths {
  /** Whether given codes of this length may exist. Shorter texts than a generated code can only be given ones. */
  has(length: number): boolean;
  /** Learns the lengths of codes that were just given. */
  refresh(): Promise<void>;
  close(): void;
}

const REFRESH_MS = 1_000;

/**
 * The lengths of given codes, so that a mistyped generated code is refused without a look-up. Other processes' additions
 * are known a second later.
 */
export async function watchGivenCodeLengths(read: () => Promise<number[]>): Promise<GivenCodeLengths> {
  let lengths = new Set<number>();
  const refresh = async () => {
    lengths = new Set(await read());
  };
  await refresh();
  const timer = setInterval(() => refresh().catch(() => undefined), REFRESH_MS).unref();
  return {
    has: (length) => length < GENERATED_LENGTH || lengths.has(length),
    refresh,
    close: () => clearInterval(timer),
  };
}
