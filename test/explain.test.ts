import { expect, test } from 'vitest';
import type { Timeline } from '../cli/api-types.ts';
import { runCli } from '../cli/testing.ts';
import { breakDatabase } from './faults.ts';
import {
  ADMIN_KEY,
  createWorld,
  forFile,
  isBreakerOpen,
  makeCodes,
  makeCoupon,
  newPhone,
  startIn,
  until,
} from './harness.ts';
import { answerWith, startReceiver } from './receiver.ts';

const world = await forFile(createWorld());
const receiver = await forFile(startReceiver());
const service = await forFile(
  startIn(world, {
    VOUCHSAFE_WEBHOOKS_PRIVATE: 'true',
    VOUCHSAFE_WEBHOOKS_BACKOFF_MS: '1',
    VOUCHSAFE_STEP_ATTEMPTS: '1',
    VOUCHSAFE_RETRY_MAX_MS: '500',
  }),
);

const explain = (...argv: string[]) => runCli(['explain', ...argv], { url: service.url, key: ADMIN_KEY });
const explained = async (subject: string) => {
  const { exitCode, stdout, stderr } = await explain(subject, '--json');
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};
const timelineOf = async (id: string): Promise<Timeline> =>
  (await service.call('GET', `/v1/redemptions/${id}/timeline`)).body;
const told = ({ items }: Timeline) => items.map(({ source, what }) => `${source} ${what}`);
const redeemed = async (code: string | undefined, phone: string) => {
  const { status, body } = await service.call('POST', '/v1/redemptions', { code, phone });
  expect(status).toBe(201);
  return body;
};

test('a redemption is told from both databases, the outbox, its workflow, webhooks and the audit log', async () => {
  receiver.answer = answerWith(500);
  const endpoint = await service.call('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    event_types: ['redemption.completed'],
  });
  const [code = ''] = await makeCodes(service, 1);
  const { id } = await redeemed(code, newPhone());
  await service.call('POST', `/v1/redemptions/${id}/reverse`, { reason: 'refund', code: 'free' });

  const timeline = await until(async () => {
    const found = await timelineOf(id);
    const published = found.items.filter(({ source, detail }) => source === 'event' && detail.published_at);
    const late = ['webhook redemption.completed dead', 'workflow redeem completed', 'workflow reverse completed'];
    return published.length === 5 && late.every((item) => told(found).includes(item)) && found;
  });
  expect(timeline.unavailable).toEqual([]);
  expect(told(timeline).sort()).toEqual(
    [
      'row accepted',
      'row credited',
      'row completed',
      'row debited again',
      'event redemption.reserved',
      'event wallet.credited',
      'event redemption.completed',
      'event wallet.debited',
      'event redemption.reversed',
      'workflow redeem started',
      'workflow redeem completed',
      'workflow reverse started',
      'workflow reverse completed',
      'webhook redemption.completed dead',
      'audit redemption.reverse',
    ].sort(),
  );
  const times = timeline.items.map(({ at }) => at);
  expect(times).toEqual(times.toSorted());
  const whatOf = (source: string) => timeline.items.filter((item) => item.source === source).map(({ what }) => what);
  expect(whatOf('row')).toEqual(['accepted', 'credited', 'completed', 'debited again']);
  const { rows } = await world.giftCode.query('select last4 from codes');
  expect(rows).not.toHaveLength(0);
  const text = JSON.stringify(timeline);
  expect(text).not.toContain(code);
  expect(text).not.toContain(code.replaceAll('-', ''));

  const explanation = await explained(id);
  expect(explanation).toMatchObject({ kind: 'redemption', subject: { id, state: 'reversed' } });
  expect(explanation.stories[0].timeline).toEqual(timeline);
  const [delivery] = timeline.items.filter(({ source }) => source === 'webhook');
  expect(await explained(String(delivery?.detail.delivery_id))).toMatchObject({
    kind: 'webhook delivery',
    subject: { state: 'dead', endpoint_id: endpoint.body.id },
    stories: [{ redemption: { id } }],
  });
  expect(await explained(`redemption.${id}.2`)).toMatchObject({ kind: 'redemption', subject: { id } });
  expect(await explained(endpoint.body.id)).toMatchObject({ kind: 'webhook endpoint' });
  const shown = (await explain(code)).stdout;
  expect(shown).toContain(`redemption\t${id}`);
  expect(shown).toMatch(/\tworkflow\tredeem completed\tworkflow id redemption-/);
  expect(shown).toMatch(/\twebhook\tredemption.completed dead\t.*last status 500/);
});

test('codes, phones, groups, wallets and keys are told apart', async () => {
  const phone = newPhone();
  const code = await makeCoupon(service, 3);
  const first = await redeemed(code, phone);
  const second = await redeemed(code, newPhone());
  const byCode = await explained(code.toLowerCase());
  expect(byCode).toMatchObject({ kind: 'code', subject: { redeemed: 2 } });
  const ids = byCode.stories.map(({ redemption }: { redemption: { id: string } }) => redemption.id);
  expect(ids).toEqual([second.id, first.id]);
  expect(told(byCode.stories[0].timeline)).toContain('row completed');
  expect(await explained(first.code.id)).toMatchObject({ kind: 'code', subject: { id: first.code.id } });

  const byPhone = await explained(phone);
  expect(byPhone).toMatchObject({
    kind: 'phone',
    wallets: [{ wallet: { phone }, transactions: [{ kind: 'redemption', redemption_id: first.id }] }],
    redemptions: [{ id: first.id }],
  });
  expect(await explained(first.wallet.id)).toMatchObject({ ...byPhone, kind: 'wallet' });
  expect((await explain(phone)).stdout).toContain(first.id);
  // Without its plus a phone looks as a code may, and is looked for as one first.
  const digits = await makeCodes(service, 1, { count: undefined, codes: [{ code: '71234567', max_redemptions: 1 }] });
  expect(await explained(String(digits[0]))).toMatchObject({ kind: 'code' });

  expect(await explained(first.code.group_id)).toMatchObject({
    kind: 'code group',
    redemptions: [{ id: second.id }, { id: first.id }],
  });
  const key = await service.call('POST', '/v1/api-keys', { name: 'till', scopes: ['redemptions:write'] });
  expect(await explained(key.body.id)).toMatchObject({ kind: 'API key', subject: { name: 'till' } });

  expect(await explain('00000000-0000-4000-8000-000000000000')).toMatchObject({ exitCode: 4, stdout: '' });
  expect(await explain(newPhone())).toMatchObject({ exitCode: 4 });
  expect(await explain('NOSUCHCODE')).toMatchObject({ exitCode: 4 });
  const till = await runCli(['explain', first.id], { url: service.url, key: key.body.key });
  expect(till).toMatchObject({ exitCode: 3, stdout: '' });
});

test('while a database is away, the rest is told, and what a redemption waits for', async () => {
  const [code] = await makeCodes(service, 1);
  const phone = newPhone();
  await redeemed((await makeCodes(service, 1))[0], phone);
  const heal = await breakDatabase(world, 'wallet');
  const accepted = await service.call('POST', '/v1/redemptions', { code, phone }, { Prefer: 'wait=0' });
  expect(accepted.status).toBe(202);
  const { id } = accepted.body;
  const [timeline, waiting] = await until(async () => {
    const { status, body } = await service.call('GET', `/v1/redemptions/${id}/timeline`);
    if (status !== 200) return undefined;
    const item = (body as Timeline).items.find(({ what }) => what === 'redeem waits for credit');
    return item && item.detail.last_error !== null && ([body, item] as const);
  });
  expect(timeline.unavailable).toContain('wallet');
  expect(waiting.detail).toMatchObject({ step: 'credit', last_error: expect.stringContaining('wallet') });
  expect((await explain(id)).stderr).toContain('not told here, since it does not answer: wallet\n');
  await heal();
  await until(async () => told(await timelineOf(id)).includes('row completed'));
  // The next one is to be let in.
  await until(async () => !(await isBreakerOpen(service, 'wallet')));
});

test('a workflow that is gone is said to be gone, and what never was is not found', async () => {
  const [code] = await makeCodes(service, 1);
  const { id } = await redeemed(code, newPhone());
  await world.giftCode.query(`update redemptions set workflow_id = 'redemptions-lost' where id = $1`, [id]);
  const { items } = await timelineOf(id);
  expect(items).toContainEqual(
    expect.objectContaining({ what: 'gone by now', detail: { workflow_id: 'redemptions-lost' } }),
  );
  const missing = '00000000-0000-4000-8000-000000000000';
  expect((await service.call('GET', `/v1/redemptions/${missing}/timeline`)).body.code).toBe('not-found');
});
