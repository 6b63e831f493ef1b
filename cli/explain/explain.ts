import type { Code, CodeGroup, Redemption, Wallet, WebhookDelivery } from '../api-types.ts';
import { type Client, path } from '../client.ts';
import { CliError, EXIT } from '../errors.ts';
import { isId } from '../options.ts';
import { explainWallets } from './explain-wallets.ts';
import type { Explanation } from './explanation.ts';
import { newestRedemptions, redemptionStory } from './redemption-stories.ts';

/** Digits of any script. With a plus it is a phone; without, a code may look so, which must not get into an address. */
const PHONE = /^\s*[+\uff0b][\p{Nd}\s().-]{6,}$/u;
const MAY_BE_PHONE = /^\s*[\p{Nd}\s().-]{6,}$/u;
/** Ids as events and workflows have them, such as `redemption.<id>.2` and `redemption-<id>`. */
const NAMED_ID = /^(?:redemption|reversal|wallet|code_group)[.-]([0-9a-f-]{36})(?:\.\d+)?$/i;

const WRONG_CODE = ['code-not-found', 'code-malformed'];
/** A phone has one wallet a currency. */
const WALLETS = 200;

/** Finds out what a code, phone or id is, and what happened to it. @throws CliError */
export async function explain(client: Client, subject: string): Promise<Explanation> {
  const id = NAMED_ID.exec(subject)?.[1] ?? subject;
  if (isId(id)) return await explainId(client, id);
  if (PHONE.test(subject)) return await explainPhone(client, subject);
  const body = { code: subject };
  const lookUp = client.request<Code>('POST', '/v1/codes/lookup', { body, repeatable: true });
  if (!MAY_BE_PHONE.test(subject)) return await explainCode(client, await lookUp);
  const code = await unless(WRONG_CODE, lookUp);
  return code ? await explainCode(client, code) : await explainPhone(client, subject);
}

async function explainPhone(client: Client, phone: string): Promise<Explanation> {
  const { items } = await client.list<Wallet>('/v1/wallets', { phone }, WALLETS);
  if (items.length === 0) throw new CliError(EXIT.notFound, `${phone} has no wallet`);
  return await explainWallets(client, 'phone', items);
}

async function explainId(client: Client, id: string): Promise<Explanation> {
  let forbidden: CliError | undefined;
  for (const [resource, tell] of Object.entries(RESOURCES)) {
    try {
      const found = await client.request<never>('GET', `/v1/${resource}/${encodeURIComponent(id)}`);
      return await tell(client, found);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (error.problem?.code === 'forbidden') forbidden = error;
      else if (error.exitCode !== EXIT.notFound) throw error;
    }
  }
  throw forbidden ?? new CliError(EXIT.notFound, `nothing here has the id ${id}`);
}

/** What an id may be of, by the path that finds it, most likely first. */
const RESOURCES: Record<string, (client: Client, found: never) => Promise<Explanation>> = {
  redemptions: async (client, redemption: Redemption) => ({
    kind: 'redemption',
    subject: redemption,
    stories: [await redemptionStory(client, redemption)],
  }),
  codes: explainCode,
  'code-groups': async (client, group: CodeGroup) => ({
    kind: 'code group',
    subject: group,
    redemptions: await newestRedemptions(client, { group_id: group.id }),
  }),
  wallets: (client, wallet: Wallet) => explainWallets(client, 'wallet', [wallet]),
  'webhook-deliveries': explainDelivery,
  'webhook-endpoints': async (_, subject) => ({ kind: 'webhook endpoint', subject }),
  'api-keys': async (_, subject) => ({ kind: 'API key', subject }),
  reconciliations: async (_, subject) => ({ kind: 'reconciliation', subject }),
};

async function explainCode(client: Client, code: Code): Promise<Explanation> {
  const redemptions = await newestRedemptions(client, { code_id: code.id });
  const stories = await Promise.all(redemptions.map((redemption) => redemptionStory(client, redemption)));
  return { kind: 'code', subject: code, stories };
}

async function explainDelivery(client: Client, delivery: WebhookDelivery): Promise<Explanation> {
  const [, redemptionId] = /^redemption\.([^.]+)\./.exec(delivery.event_id) ?? [];
  if (redemptionId === undefined) return { kind: 'webhook delivery', subject: delivery };
  const about = client.request<Redemption>('GET', path`/v1/redemptions/${redemptionId}`);
  const redemption = await unless(['not-found'], about);
  const stories = redemption ? [await redemptionStory(client, redemption)] : [];
  return { kind: 'webhook delivery', subject: delivery, stories };
}

/** What is asked for; nothing, where the answer is one of these problems. */
async function unless<T>(problems: string[], request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CliError && problems.includes(error.problem?.code ?? '')) return undefined;
    throw error;
  }
}
