import type { Redemption, Timeline } from '../api-types.ts';
import { type Client, path, type Query } from '../client.ts';
import type { RedemptionStory } from './explanation.ts';

const NEWEST = 10;

export async function newestRedemptions(client: Client, query: Query): Promise<Redemption[]> {
  return (await client.list<Redemption>('/v1/redemptions', query, NEWEST)).items;
}

export async function redemptionStory(client: Client, redemption: Redemption): Promise<RedemptionStory> {
  const timeline = await client.request<Timeline>('GET', path`/v1/redemptions/${redemption.id}/timeline`);
  return { redemption, timeline };
}
