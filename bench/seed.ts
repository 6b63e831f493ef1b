import { createHash } from 'node:crypto';
import { createCodeGroup } from '../domains/gift-code/create-code-group.ts';
import { ensureWallets } from '../domains/wallet/ensure-wallets.ts';
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
const WALLETS_AT_ONCE = 5_000;
const CURRENCY = 'USD';
/** Minor units. */
const AMOUNT = 1_000n;
/** Owner of the seeded groups and of redemptions made without HTTP: any id will do. */
export const CLIENT_ID = '00000000-0000-4000-8000-000000000001';

/**
 * Makes codes and, the first time, wallets through the domains' own functions. The codes come in random order and each
 * with a random phone. What the seeding left in the outboxes counts as published, and the tables it filled are vacuumed,
 * as autovacuum would; those that are empty stay unknown to the planner, as they are after a first start.
 */
export async function seedOrders(stage: Stage, count: number): Promise<Order[]> {
  const wallets = await seedWallets(stage);
  const codes = await seedCodes(stage, count);
  for (const { reads } of [stage.giftCode, stage.wallet]) {
    await reads.query('update outbox set published_at = now() where published_at is null');
  }
  await stage.giftCode.reads.query('vacuum (analyze) code_groups, codes, code_hashes, outbox');
  await stage.wallet.reads.query('vacuum (analyze) wallets, outbox');
  return shuffled(codes).map((code) => {
    const wallet = wallets[Math.floor(Math.random() * wallets.length)];
    if (!wallet) throw new Error('there are no wallets');
    return { ...code, ...wallet };
  });
}

type Code = Pick<Order, 'code' | 'codeId' | 'groupId'>;
type Wallet = Pick<Order, 'phone' | 'walletId'>;

async function seedWallets(stage: Stage): Promise<Wallet[]> {
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
  while (codes.length < count) {
    codes.push(...(await seedGroup(stage, Math.min(CODES_OF_A_GROUP, count - codes.length))));
  }
  return codes;
}

async function seedGroup(stage: Stage, count: number): Promise<Code[]> {
  stage.signal.throwIfAborted();
  const groupId = newId();
  const created = await createCodeGroup(stage.giftCode, stage.codeKeys, {
    id: groupId,
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
    requestHash: createHash('sha256').update(groupId).digest(),
    codes: count,
  });
  if (!created.ok) throw new Error(`the codes could not be made: ${created.reason}`);
  return created.codes.map(({ id, code }) => ({ code, codeId: id, groupId }));
}

/** Fisher and Yates's shuffle, in place. */
function shuffled<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
