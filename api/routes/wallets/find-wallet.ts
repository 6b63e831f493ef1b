import { z } from 'zod';
import type { Wallet } from '../../../domains/wallet/read-wallets.ts';
import { isUuid } from '../../../platform/ids.ts';
import { readPhone } from '../../../platform/phone.ts';
import { Problem } from '../../../platform/problems.ts';
import { currency } from '../../fields.ts';
import type { Services } from '../../services.ts';

/** `{wallet}`: a wallet's id, or a phone with `?currency=`. */
export const walletParams = z.object({ wallet: z.string().max(64) });
export const walletQuery = { currency: currency.optional() };

/** @throws Problem `wallet-not-found` */
export async function findWallet(services: Services, name: string, currencyCode: string | undefined): Promise<Wallet> {
  const wallet = isUuid(name)
    ? await services.wallet.readWallet(name)
    : await findByPhone(services, name, currencyCode ?? services.config.currency);
  if (!wallet || (currencyCode && wallet.currency !== currencyCode)) throw new Problem('wallet-not-found');
  return wallet;
}

async function findByPhone(services: Services, name: string, currencyCode: string): Promise<Wallet | undefined> {
  const { region } = services.config;
  const reading = readPhone(name, region);
  // The plus is optional: a number that cannot be read as it is may be one without it.
  const phone = reading.ok ? reading : readPhone(`+${name.trim()}`, region);
  if (!phone.ok) return undefined;
  const wallets = await services.wallet.readWalletsOfPhone(phone.e164);
  return wallets.find((wallet) => wallet.currency === currencyCode);
}
