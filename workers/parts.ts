import { marksOf, openCodeKeys } from '../domains/gift-code/open-code-keys.ts';
import { type GiftCodePart, giftCodeOperations } from '../domains/gift-code/operations.ts';
import { type WalletPart, walletOperations } from '../domains/wallet/operations.ts';
import { type CodeKeys, readCodeKeys } from '../platform/code-keys.ts';
import { type Config, ConfigError } from '../platform/config.ts';
import { remotePart } from '../platform/remote-part.ts';
import type { Keep } from './closing.ts';
import { databaseOptions, openGiftCode, openWallet } from './databases.ts';

/** The gift-code part as the gateway uses it: over its database, or done by the process that serves it. @throws ConfigError */
export async function giftCodePart(
  url: string,
  config: Config,
  keep: Keep,
): Promise<{ giftCode: GiftCodePart; codeKeys: CodeKeys }> {
  if (!isServed(url)) {
    const db = keep(await openGiftCode(url, databaseOptions(config)));
    const codeKeys = await openCodeKeys(db, config.home, config.codeKeys);
    return { giftCode: giftCodeOperations(db, codeKeys), codeKeys };
  }
  const giftCode = keep(remotePart<GiftCodePart>(url, partsKey(config)));
  const codeKeys = await readCodeKeys(config.home, config.codeKeys);
  if (!codeKeys) {
    throw new ConfigError(
      `the code keys are missing: set VOUCHSAFE_CODE_KEYS to those of the gift-code part, or put its keys/codes.json under ${config.home}`,
    );
  }
  const refusal = await answered(giftCode.admitKeys(marksOf(codeKeys)), 'GIFT_CODE_URL');
  if (refusal !== null) throw new ConfigError(refusal);
  return { giftCode, codeKeys };
}

/** The wallet part, likewise. @throws ConfigError */
export async function walletPart(url: string, config: Config, keep: Keep): Promise<WalletPart> {
  if (!isServed(url)) return walletOperations(keep(await openWallet(url, databaseOptions(config))));
  const wallet = keep(remotePart<WalletPart>(url, partsKey(config)));
  await answered(wallet.nowMs(), 'WALLET_URL');
  return wallet;
}

const isServed = (url: string) => /^https?:/.test(url);

/** The key by which parts that run apart know the gateway. @throws ConfigError */
export function partsKey({ parts }: Config): string {
  if (parts.key) return parts.key;
  throw new ConfigError('VOUCHSAFE_PARTS_KEY is not set: parts that run apart know the gateway by it.');
}

async function answered<T>(answer: Promise<T>, variable: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}. Check that it runs, ${variable} and VOUCHSAFE_PARTS_KEY.`);
  }
}
