import { createHash, randomBytes } from 'node:crypto';
import { createCodeGroup, type NewCodeGroup } from '../domains/gift-code/create-code-group.ts';
import { ensureWallets } from '../domains/wallet/ensure-wallets.ts';
import { ConfigError } from '../platform/config.ts';
import { newId } from '../platform/ids.ts';
import type { Stage } from './stage.ts';

/** Something to redeem: a code nobody has used, and a phone that has a wallet. */
export interface Order {
  code: string;
  codeId: string;
  groupId: string;
  phone: string;
  walletId: string;
}

/** The phones that redeem; each has a wallet from the start. */
const PHONES = 100_000;
const FIRST_PHONE = 989_120_000_000;
const CODES_OF_A_GROUP = 8_000;
/** While the database writes one, the next one is sealed. */
const GROUPS_AT_ONCE = 2;
const WALLETS_AT_ONCE = 5_000;
const CURRENCY = 'USD';
/** Minor units. */
const AMOUNT = 1_000n;
/** Owner of the seeded groups and of redemptions made without HTTP: any id will do. */
export const CLIENT_ID = '00000000-0000-4000-8000-000000000001';

/**
 * Makes codes and, the first time, wallets through the domains' own functions. The codes come in random order and each
 * with a random phone.
 */
export async function seedOrders(stage: Stage, count: number): Promise<Order[]> {
  const wallets = await seedWallets(stage);
  const codes = await seedCodes(stage, count);
  await settleSeeds(stage);
  return shuffled(codes).map((code) => {
    const wallet = wallets[Math.floor(Math.random() * wallets.length)];
    if (!wallet) throw new Error('there are no wallets');
    return { ...code, ...wallet };
  });
}

/** Makes a coupon of so many uses, and, the first time, wallets. @returns an order for it for each of `count` phones */
export async function seedCoupon(stage: Stage, uses: number, count: number): Promise<Order[]> {
  if (count > PHONES) throw new ConfigError(`there are ${PHONES} phones, not ${count}`);
  const wallets = await seedWallets(stage);
  stage.progress(`Seeding a coupon of ${uses} uses`);
  const text = `COUPON${randomBytes(4).toString('hex').toUpperCase()}`;
  const [code] = await seedGroup(stage, [{ text, maxRedemptions: uses }]);
  if (!code) throw new Error('a group was made without its code');
  await settleSeeds(stage);
  return shuffled(wallets)
    .slice(0, count)
    .map((wallet) => ({ ...code, ...wallet }));
}

/**
 * What seeding left in the outboxes counts as published, and the tables it filled are vacuumed, as autovacuum would; those
 * that are empty stay unknown to the planner, as they are after a first start.
 */
async function settleSeeds({ giftCode, wallet }: Stage): Promise<void> {
  for (const { reads } of [giftCode, wallet]) {
    await reads.query('update outbox_batches set published_at = now() where published_at is null');
  }
  await giftCode.reads.query('vacuum (analyze) code_groups, codes, code_hashes, outbox_batches');
  await wallet.reads.query('vacuum (analyze) wallets, outbox_batches');
}

type Code = Pick<Order, 'code' | 'codeId' | 'groupId'>;
type Wallet = Pick<Order, 'phone' | 'walletId'>;

/** @returns the wallets of all phones, made where there is none */
export async function seedWallets(stage: Stage): Promise<Wallet[]> {
  stage.progress(`Seeding ${PHONES} wallets`);
  const wallets: Wallet[] = [];
  for (let from = 0; from < PHONES; from += WALLETS_AT_ONCE) {
    stage.signal.throwIfAborted();
    const phones = Array.from({ length: WALLETS_AT_ONCE }, (_, index) => `+${FIRST_PHONE + from + index}`);
    const keys = phones.map((phone) => ({ phone, currency: CURRENCY }));
    const made = await ensureWallets(stage.wallet, keys, 60_000);
    wallets.push(...made.map(({ id }, index) => ({ walletId: id, phone: phones[index] ?? '' })));
  }
  return wallets;
}

async function seedCodes(stage: Stage, count: number): Promise<Code[]> {
  stage.progress(`Seeding ${count} codes`);
  const codes: Code[] = [];
  const seedSome = async (left: number[]) => {
    for (let size = left.pop(); size !== undefined; size = left.pop()) codes.push(...(await seedGroup(stage, size)));
  };
  const sizes = Array.from({ length: Math.ceil(count / CODES_OF_A_GROUP) }, (_, index) =>
    Math.min(CODES_OF_A_GROUP, count - index * CODES_OF_A_GROUP),
  );
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, () => seedSome(sizes)));
  return codes;
}

async function seedGroup(stage: Stage, newCodes: NewCodeGroup['codes']): Promise<Code[]> {
  stage.signal.throwIfAborted();
  const groupId = newId();
  const created = await createCodeGroup(stage.giftCode, stage.codeKeys, newGroup(groupId, newCodes));
  if (!created.ok) throw new Error(`the codes could not be made: ${created.reason}`);
  return created.codes.map(({ id, code }) => ({ code, codeId: id, groupId }));
}

/** A group as the benches make them, without limits. */
export function newGroup(id: string, codes: NewCodeGroup['codes']): NewCodeGroup {
  return {
    id,
    clientId: CLIENT_ID,
    name: 'Bench',
    amount: AMOUNT,
    currency: CURRENCY,
    prefix: null,
    startsAt: null,
    endsAt: null,
    perWalletLimit: null,
    budget: null,
    metadata: {},
    requestHash: createHash('sha256').update(id).digest(),
    codes,
  };
}

/** Fisher and Yates's shuffle, in place. */
export function shuffled<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
