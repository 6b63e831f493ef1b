import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  ADMIN_KEY,
  type ApiAnswer,
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  makeCoupon,
  newPhone,
  startIn,
  until,
} from '../test/harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world));

const get = (path: string) => service.call('GET', path);
const post = (path: string, body: unknown, headers?: Record<string, string>) =>
  service.call('POST', path, body, headers);
const usd = (value: number) => ({ value, currency: 'USD' });
const newKey = () => ({ 'Idempotency-Key': randomUUID() });
const newCode = () => `OP${randomBytes(5).toString('hex').toUpperCase()}`;
const redeem = (code: string | undefined, phone = newPhone()) => post('/v1/redemptions', { code, phone });
const isTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

async function made(path: string, body: unknown) {
  const answer = await post(path, body);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}
const makeGroup = (group: Record<string, unknown> = {}) =>
  made('/v1/code-groups', { name: 'Eid', amount: usd(1_000), count: 1, ...group });
const makeWallet = (wallet: Record<string, unknown> = {}) => made('/v1/wallets', { phone: newPhone(), ...wallet });
const credit = (wallet: string, value: number, more: Record<string, unknown> = {}) =>
  post(`/v1/wallets/${wallet}/credits`, { amount: usd(value), ...more });
const debit = (wallet: string, value: number, more: Record<string, unknown> = {}) =>
  post(`/v1/wallets/${wallet}/debits`, { amount: usd(value), ...more });
const balanceOf = async (wallet: string) => (await get(`/v1/wallets/${wallet}`)).body.balance.value;

/** All of a list, page by page. `between` is done after each page. */
async function readAll(path: string, limit: number, between = async () => {}): Promise<{ id: string }[]> {
  const items: { id: string }[] = [];
  const join = path.includes('?') ? '&' : '?';
  for (let cursor = ''; ; ) {
    const { status, body } = await get(`${path}${join}limit=${limit}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['items', 'next_cursor']);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    items.push(...body.items);
    if (body.next_cursor === null) return items;
    expect(body.items).toHaveLength(limit);
    cursor = body.next_cursor;
    await between();
  }
}
const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/** One answer was the first, all others its repeats, and all say the same. */
function expectOneEffect(answers: ApiAnswer[]): void {
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get('Idempotent-Replayed') !== 'true')).toHaveLength(1);
}

describe('code groups', () => {
  test('are created with generated codes, which only this answer and its repeats are to show', async () => {
    const answer = await post('/v1/code-groups', {
      name: '  Eid 🎁 عيد  ',
      amount: { value: 9_007_199_254_740_991, currency: 'EUR' },
      count: 3,
      prefix: 'eid',
      starts_at: '2026-01-31T08:00:00+03:30',
      ends_at: '2999-12-31T00:00:00Z',
      per_wallet_limit: 2,
      budget: { value: 9_007_199_254_740_991, currency: 'EUR' },
      metadata: { channel: 'sms', nested: { list: [1, null, 'ü'], path: String.raw`\\srv\u0000\udata` } },
    });
    const { id } = answer.body;
    const group = {
      id,
      name: 'Eid 🎁 عيد',
      amount: { value: 9_007_199_254_740_991, currency: 'EUR' },
      prefix: 'EID',
      starts_at: '2026-01-31T04:30:00.000Z',
      ends_at: '2999-12-31T00:00:00.000Z',
      per_wallet_limit: 2,
      budget: { value: 9_007_199_254_740_991, currency: 'EUR' },
      disabled: false,
      metadata: { channel: 'sms', nested: { list: [1, null, 'ü'], path: String.raw`\\srv\u0000\udata` } },
      codes_count: 3,
      created_at: isTime,
      updated_at: isTime,
    };
    const code = { id: expect.any(String), code: expect.stringMatching(/^EID(-[0-9A-Z]{4}){4}$/) };
    expect(answer).toMatchObject({ status: 201, body: { ...group, codes: [code, code, code] } });
    expect(answer.headers.get('Location')).toBe(`/v1/code-groups/${id}`);
    expect(answer.headers.has('Idempotent-Replayed')).toBe(false);
    expect((await get(`/v1/code-groups/${id}`)).body).toEqual(group);
  });

  test('are created with given codes, and refused whole if one of them exists', async () => {
    const [one, two] = [newCode(), newCode()];
    const group = await makeGroup({ count: undefined, codes: [{ code: one.toLowerCase(), max_redemptions: 300 }] });
    expect(group.codes).toEqual([{ id: expect.any(String), code: one }]);
    const again = await post('/v1/code-groups', {
      name: 'Again',
      amount: usd(1),
      codes: [{ code: two }, { code: one.replace('O', '0') }],
    });
    expect(again.body).toMatchObject({
      status: 409,
      code: 'conflict',
      errors: [{ pointer: '/codes/1/code', detail: 'exists already' }],
    });
    expect((await post('/v1/codes/lookup', { code: two })).body.code).toBe('code-not-found');
  });

  test('of 1,000 codes come in one answer', async () => {
    const group = await makeGroup({ count: 1_000 });
    expect(new Set(group.codes.map(({ code }: { code: string }) => code)).size).toBe(1_000);
    expect(await readAll(`/v1/code-groups/${group.id}/codes`, 200)).toHaveLength(1_000);
  });

  test('created 100 times at once under one Idempotency-Key are one group with one set of codes', async () => {
    const key = newKey();
    const name = randomUUID();
    const body = { name, amount: usd(1_000), count: 5 };
    expectOneEffect(await Promise.all(Array.from({ length: 100 }, () => post('/v1/code-groups', body, key))));
    const { rows } = await world.giftCode.query(
      `select count(distinct g.id)::int as groups, count(*)::int as codes
       from code_groups g join codes c on c.group_id = g.id where g.name = $1`,
      [name],
    );
    expect(rows).toEqual([{ groups: 1, codes: 5 }]);
    const repeat = await post('/v1/code-groups', { count: 5.0, name: ` ${name} `, amount: usd(1_000) }, key);
    expect(repeat).toMatchObject({ status: 201, body: { name } });
    for (const other of [{ count: 6 }, { name: 'Other' }, { amount: usd(999) }, { prefix: 'A' }]) {
      const answer = await post('/v1/code-groups', { ...body, ...other }, key);
      expect(answer.body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    }
  });

  test('under one key, the same metadata in another order is the same request', async () => {
    const key = newKey();
    const body = { name: 'Order', amount: usd(1), count: 1 };
    const first = await post('/v1/code-groups', { ...body, metadata: { a: 1, b: 2 } }, key);
    const again = await post('/v1/code-groups', { ...body, metadata: { b: 2, a: 1 } }, key);
    expect(again.body).toEqual(first.body);
  });

  test('are listed newest first, filtered by name and time', async () => {
    const mark = randomBytes(4).toString('hex');
    const names = [`${mark} one`, `${mark} 100%_two`, `${mark.toUpperCase()} three`];
    const groups = [];
    for (const name of names) groups.push(await makeGroup({ name }));
    const list = async (query: string) => ids((await get(`/v1/code-groups?${query}`)).body.items);
    expect(await list(`q=${mark}`)).toEqual(ids(groups).toReversed());
    expect(await list(`q=${encodeURIComponent('100%_')}${'&limit=200'}`)).toContain(groups[1].id);
    expect(await list(`q=${encodeURIComponent(`${mark}%three`)}`)).toEqual([]);
    expect(await list(`q=${mark}&created_from=${groups[1].created_at}`)).toEqual([groups[2].id, groups[1].id]);
    expect(await list(`q=${mark}&created_to=${groups[1].created_at}`)).toEqual([groups[0].id]);
    expect(await list(`q=${mark}&created_from=2999-01-01T00:00:00Z`)).toEqual([]);
  });
});

describe('statistics of a group', () => {
  test('count codes by state, places, money, redeemers and days', async () => {
    const codes = [3, 1, 1, 2, 1, 1].map((max_redemptions) => ({ code: newCode(), max_redemptions }));
    const group = await makeGroup({ count: undefined, codes, amount: usd(250) });
    const [partly, used, off, , stuck] = codes.map(({ code }) => code);
    const phone = newPhone();
    const first = await redeem(partly, phone);
    const second = await redeem(used, phone);
    const id = (index: number) => group.codes[index].id;
    await world.giftCode.query('update codes set disabled = true where id = $1', [id(2)]);
    await world.giftCode.query('update codes set reserved = 1 where id = $1', [id(4)]);
    await world.giftCode.query(
      `insert into redemptions (id, code_id, group_id, wallet_id, client_id, created_at, amount, currency, state, workflow_id)
       select gen_random_uuid(), $1, group_id, wallet_id, client_id, now(), amount, currency, 'reserved', 'none'
       from redemptions where id = $2`,
      [id(4), first.body.id],
    );
    expect((await redeem(off)).body.code).toBe('code-disabled');
    expect((await redeem(stuck)).body.code).toBe('code-reserved');

    const stats = await get(`/v1/code-groups/${group.id}/stats`);
    expect(stats).toMatchObject({
      status: 200,
      body: {
        codes: { total: 6, unused: 2, reserved: 1, partly_used: 1, used: 1, disabled: 1 },
        places: { total: 9, redeemed: 2, reserved: 1, left: 6 },
        redemptions: { completed: 2, reversed: 0 },
        credited: usd(500),
        redeemers: 1,
        first_redeemed_at: first.body.completed_at,
        last_redeemed_at: second.body.completed_at,
      },
    });
    const states = async (state: string) => (await get(`/v1/code-groups/${group.id}/codes?state=${state}`)).body.items;
    for (const [state, count] of Object.entries<number>(stats.body.codes).filter(([name]) => name !== 'total')) {
      expect([state, (await states(state)).length]).toEqual([state, count]);
    }
    await world.giftCode.query('update codes set reserved = 0 where id = $1', [id(4)]);
    await world.giftCode.query('delete from redemptions where code_id = $1', [id(4)]);
  });

  test('are those of the days of a time zone, and of the range asked for', async () => {
    const group = await makeGroup({ count: 2 });
    for (const { code } of group.codes) await redeem(code);
    await world.giftCode.query(
      `update redemptions set settled_at = timestamptz '2026-03-01T22:00:00Z' + (use_number - 1) * interval '1 day'
         + case when code_id = $1 then interval '2 hours' else interval '0' end where group_id = $2`,
      [group.codes[0].id, group.id],
    );
    const days = async (query: string) =>
      (await get(`/v1/code-groups/${group.id}/stats?${query}`)).body.per_day.map(
        ({ date, redemptions, credited }: { date: string; redemptions: number; credited: { value: number } }) =>
          `${date} ${redemptions} ${credited.value}`,
      );
    expect(await days('')).toEqual(['2026-03-01 1 1000', '2026-03-02 1 1000']);
    expect(await days('time_zone=Asia/Tehran')).toEqual(['2026-03-02 2 2000']);
    expect(await days('from=2026-03-02T00:00:00Z')).toEqual(['2026-03-02 1 1000']);
    expect(await days('to=2026-03-02T00:00:00Z')).toEqual(['2026-03-01 1 1000']);
  });

  test('are given in every time zone that is accepted', async () => {
    const group = await makeGroup();
    const aliases = ['Asia/Kolkata', 'Europe/Kyiv', 'America/Argentina/Buenos_Aires', 'US/Eastern', 'Etc/UTC', 'GMT'];
    for (const zone of ['UTC', ...aliases, ...Intl.supportedValuesOf('timeZone')]) {
      const { status } = await get(`/v1/code-groups/${group.id}/stats?time_zone=${encodeURIComponent(zone)}`);
      expect([zone, status]).toEqual([zone, 200]);
    }
  });

  test('are those of the zone that a name stands for, not of what Postgres takes for its abbreviation', async () => {
    const group = await makeGroup();
    await redeem(group.codes[0].code);
    // Half past midnight in Brussels, where it is summer; by its winter time the day before.
    await world.giftCode.query(`update redemptions set settled_at = '2026-07-01T22:30:00Z' where group_id = $1`, [
      group.id,
    ]);
    for (const zone of ['CET', 'Europe/Brussels']) {
      const { body } = await get(`/v1/code-groups/${group.id}/stats?time_zone=${zone}`);
      expect(body.per_day).toMatchObject([{ date: '2026-07-02' }]);
    }
  });

  test('of amounts that add up to more than a JSON number holds are still given', async () => {
    const group = await makeGroup({ count: 2, amount: usd(Number.MAX_SAFE_INTEGER) });
    for (const { code } of group.codes) expect((await redeem(code)).status).toBe(201);
    const { status, body } = await get(`/v1/code-groups/${group.id}/stats`);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.redemptions.completed).toBe(2);
  });

  test('of a group without codes used are zero', async () => {
    const group = await makeGroup();
    expect((await get(`/v1/code-groups/${group.id}/stats`)).body).toMatchObject({
      credited: usd(0),
      redeemers: 0,
      first_redeemed_at: null,
      last_redeemed_at: null,
      per_day: [],
    });
  });
});

describe('codes', () => {
  test('are looked up however they are typed, and show who redeemed them and when', async () => {
    const group = await makeGroup({ prefix: 'eid', name: 'Look-up' });
    const [{ id, code }] = group.codes;
    const phone = newPhone();
    const redemption = (await redeem(code, phone)).body;
    const details = {
      id,
      code,
      last4: code.slice(-4),
      state: 'used',
      group: { id: group.id, name: 'Look-up' },
      amount: usd(1_000),
      disabled: false,
      max_redemptions: 1,
      redeemed: 1,
      reserved: 0,
      created_at: isTime,
      redemptions: [
        {
          id: redemption.id,
          phone,
          wallet_id: redemption.wallet.id,
          transaction_id: redemption.transaction_id,
          state: 'completed',
          created_at: redemption.created_at,
          completed_at: redemption.completed_at,
        },
      ],
    };
    const kindly = [
      code,
      code.toLowerCase(),
      code.replaceAll('-', ' '),
      code.slice(4),
      ` ${code.replaceAll('-', '')}\n`,
    ];
    for (const typed of kindly) {
      expect(await post('/v1/codes/lookup', { code: typed })).toMatchObject({ status: 200, body: details });
    }
    expect((await get(`/v1/codes/${id.toUpperCase()}`)).body).toEqual(details);
  });

  test('that are unknown or mistyped are told apart', async () => {
    const [code = ''] = await makeCodes(service, 1);
    const typo = code.slice(0, -1) + (code.endsWith('0') ? '1' : '0');
    expect((await post('/v1/codes/lookup', { code: typo })).body.code).toBe('code-malformed');
    expect((await post('/v1/codes/lookup', { code: 'NOSUCHCODE' })).body.code).toBe('code-not-found');
    expect((await get(`/v1/codes/${randomUUID()}`)).body.code).toBe('not-found');
  });

  test('of a group are listed newest first and page by page', async () => {
    const group = await makeGroup({ count: 25 });
    const listed = await readAll(`/v1/code-groups/${group.id}/codes`, 7);
    expect(ids(listed)).toEqual(ids(group.codes).toReversed());
    expect(listed[0]).toMatchObject({ code: group.codes[24].code, state: 'unused' });
    expect((await get(`/v1/code-groups/${group.id}/codes?created_to=${group.created_at}`)).body.items).toEqual([]);
  });
});

describe('wallets', () => {
  test('are created empty, once per phone and currency', async () => {
    const phone = newPhone();
    const answer = await post('/v1/wallets', { phone: ` ${phone.slice(0, 3)} ${phone.slice(3)}` });
    const wallet = { id: expect.any(String), phone, balance: usd(0), state: 'active', created_at: isTime };
    expect(answer).toMatchObject({ status: 201, body: wallet });
    expect(answer.headers.get('Location')).toBe(`/v1/wallets/${answer.body.id}`);
    expect((await post('/v1/wallets', { phone })).body).toMatchObject({
      status: 409,
      code: 'wallet-exists',
      wallet_id: answer.body.id,
    });
    const euros = await made('/v1/wallets', { phone, currency: 'EUR' });
    expect(euros).toMatchObject({ phone, balance: { value: 0, currency: 'EUR' } });
    const { rows } = await world.wallet.query('select count(*)::int as wallets from wallets where phone = $1', [phone]);
    expect(rows).toEqual([{ wallets: 2 }]);
  });

  test('created 100 times at once under one Idempotency-Key are one wallet', async () => {
    const key = newKey();
    const body = { phone: newPhone() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => post('/v1/wallets', body, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('Idempotent-Replayed') === null)).toHaveLength(1);
    const { rows } = await world.gateway.query(`select action from audit_log where resource_id = $1`, [
      answers[0]?.body.id,
    ]);
    expect(rows).toEqual([{ action: 'wallet.create' }]);
    const later = await post('/v1/wallets', body, key);
    expect(later.headers.get('Idempotent-Replayed')).toBe('true');
    expect(later.body).toEqual(answers[0]?.body);
    for (const other of [{ phone: newPhone() }, { ...body, currency: 'EUR' }]) {
      expect((await post('/v1/wallets', other, key)).body).toMatchObject({
        status: 422,
        code: 'idempotency-key-reused',
      });
    }
  });

  test('a repeat under an Idempotency-Key shows what the first answer showed, whatever came since', async () => {
    const key = newKey();
    const phone = newPhone();
    const first = await post('/v1/wallets', { phone }, key);
    await credit(first.body.id, 500);
    expect((await post('/v1/wallets', { phone }, key)).body).toEqual(first.body);
  });

  test('of two phones under one key at the same time one is made', async () => {
    for (let round = 0; round < 10; round++) {
      const key = newKey();
      const answers = await Promise.all([1, 2, 3, 4].map(() => post('/v1/wallets', { phone: newPhone() }, key)));
      expect(answers.map(({ status, body }) => body.code ?? status).sort()).toEqual([
        201,
        ...Array(3).fill('idempotency-key-reused'),
      ]);
    }
  });

  test('are read by id, by phone with a plus, without it, or with the space it became, and by currency', async () => {
    const wallet = await makeWallet();
    const euros = await makeWallet({ phone: wallet.phone, currency: 'EUR' });
    const digits = wallet.phone.slice(1);
    const names = [wallet.id, wallet.id.toUpperCase(), wallet.phone, `%2B${digits}`, digits, `%20${digits}`];
    for (const name of names) expect([name, (await get(`/v1/wallets/${name}`)).body]).toEqual([name, wallet]);
    for (const name of [euros.id, wallet.phone, digits]) {
      expect((await get(`/v1/wallets/${name}?currency=EUR`)).body).toEqual(euros);
    }
    for (const path of [`${wallet.id}?currency=EUR`, `${wallet.phone}?currency=GBP`, newPhone(), randomUUID()]) {
      expect((await get(`/v1/wallets/${path}`)).body).toMatchObject({ status: 404, code: 'wallet-not-found' });
    }
    for (const name of [wallet.phone, digits, `%20${digits}`]) {
      expect((await credit(name, 5)).status).toBe(201);
      expect((await get(`/v1/wallets/${name}/transactions`)).body.items).not.toEqual([]);
    }
    expect(await balanceOf(wallet.id)).toBe(15);
  });

  test('a phone with wallets in two currencies is credited in the one of the amount', async () => {
    const wallet = await makeWallet();
    const euros = await makeWallet({ phone: wallet.phone, currency: 'EUR' });
    const amount = { value: 300, currency: 'EUR' };
    const named = await post(`/v1/wallets/${wallet.phone}/credits?currency=EUR`, { amount });
    expect(named.status).toBe(201);
    expect((await post(`/v1/wallets/${wallet.phone}/credits`, { amount })).status).toBe(201);
    expect(await balanceOf(euros.id)).toBe(600);
    expect(await balanceOf(wallet.id)).toBe(0);
  });

  test('are listed newest first, by phone, currency, state and time', async () => {
    const wallet = await makeWallet();
    const euros = await makeWallet({ phone: wallet.phone, currency: 'EUR' });
    const digits = wallet.phone.slice(1);
    const list = async (query: string) => ids((await get(`/v1/wallets?${query}`)).body.items);
    expect(await list(`phone=%2B${digits}`)).toEqual([euros.id, wallet.id]);
    expect(await list(`phone=+${digits}`)).toEqual([euros.id, wallet.id]);
    expect(await list(`phone=%2B${digits}&currency=USD`)).toEqual([wallet.id]);
    expect(await list(`phone=%2B${digits}&state=frozen`)).toEqual([]);
    await world.wallet.query(`update wallets set state = 'frozen' where id = $1`, [euros.id]);
    expect(await list(`phone=%2B${digits}&state=frozen`)).toEqual([euros.id]);
    expect(await list(`phone=%2B${digits}&created_to=${wallet.created_at}`)).toEqual([]);
    expect(await list(`phone=%2B${newPhone().slice(1)}`)).toEqual([]);
  });
});

describe('credits and debits', () => {
  test('move the balance, and are listed newest first with the balance after each', async () => {
    const wallet = await makeWallet();
    const first = await credit(wallet.phone, 1_000, { reference: `a-${wallet.id}`, note: 'for the delay 🙏' });
    expect(first).toMatchObject({ status: 201 });
    expect(first.body).toEqual({
      id: expect.any(String),
      kind: 'credit',
      direction: 'credit',
      amount: usd(1_000),
      balance_after: usd(1_000),
      reference: `a-${wallet.id}`,
      note: 'for the delay 🙏',
      created_at: isTime,
    });
    const second = await debit(wallet.id, 400);
    expect(second.body).toMatchObject({ kind: 'debit', direction: 'debit', balance_after: usd(600), reference: null });
    const [code] = await makeCodes(service, 1);
    const redemption = (await redeem(code, wallet.phone)).body;
    const { body } = await get(`/v1/wallets/${wallet.id}/transactions`);
    expect(body.items).toEqual([
      {
        id: redemption.transaction_id,
        kind: 'redemption',
        direction: 'credit',
        amount: usd(1_000),
        balance_after: usd(1_600),
        reference: null,
        note: null,
        redemption_id: redemption.id,
        created_at: isTime,
      },
      second.body,
      first.body,
    ]);
    expect(await balanceOf(wallet.id)).toBe(1_600);
  });

  test('are refused with a reason, and leave the balance', async () => {
    const wallet = await makeWallet();
    await credit(wallet.id, 100);
    const refusals: [ApiAnswer, string][] = [
      [await debit(wallet.id, 101), 'insufficient-funds'],
      [await credit(wallet.id, Number.MAX_SAFE_INTEGER), 'balance-limit'],
      [await post(`/v1/wallets/${wallet.id}/credits`, { amount: { value: 1, currency: 'EUR' } }), 'currency-mismatch'],
    ];
    await world.wallet.query(`update wallets set state = 'frozen' where id = $1`, [wallet.id]);
    refusals.push([await credit(wallet.id, 1), 'wallet-frozen'], [await debit(wallet.id, 1), 'wallet-frozen']);
    for (const [answer, code] of refusals) expect(answer.body).toMatchObject({ status: 409, code });
    expect((await credit(newPhone(), 1)).body).toMatchObject({ status: 404, code: 'wallet-not-found' });
    expect(await balanceOf(wallet.id)).toBe(100);
  });

  test.each([
    ['credits', 1_000, 1_007],
    ['debits', 1_000, 993],
  ])('100 %s at once under one Idempotency-Key are one', async (kind, before, after) => {
    const wallet = await makeWallet();
    await credit(wallet.id, before);
    const key = newKey();
    const path = `/v1/wallets/${wallet.id}/${kind}`;
    const body = { amount: usd(7), reference: `${kind}-${wallet.id}`, note: 'once' };
    expectOneEffect(await Promise.all(Array.from({ length: 100 }, () => post(path, body, key))));
    expect(await balanceOf(wallet.id)).toBe(after);
    const others = [{ amount: usd(8) }, { reference: undefined }, { reference: 'x' }, { note: 'twice' }];
    for (const other of others) {
      expect((await post(path, { ...body, ...other }, key)).body).toMatchObject({
        status: 422,
        code: 'idempotency-key-reused',
      });
    }
    const elsewhere = await makeWallet();
    expect((await post(`/v1/wallets/${elsewhere.id}/${kind}`, body, key)).body.code).toBe('idempotency-key-reused');
    expect(await balanceOf(elsewhere.id)).toBe(0);
    expect(await balanceOf(wallet.id)).toBe(after);
  });

  test('a repeat is answered as at first, also when the wallet has moved on or been frozen', async () => {
    const wallet = await makeWallet();
    const key = newKey();
    const first = await post(`/v1/wallets/${wallet.id}/credits`, { amount: usd(50) }, key);
    await credit(wallet.id, 5);
    await world.wallet.query(`update wallets set state = 'frozen' where id = $1`, [wallet.id]);
    const again = await post(`/v1/wallets/${wallet.phone}/credits`, { amount: usd(50) }, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  });

  test('one key may serve a credit, a debit and a redemption: each operation has its own', async () => {
    const wallet = await makeWallet();
    const key = newKey();
    expect((await post(`/v1/wallets/${wallet.id}/credits`, { amount: usd(9) }, key)).status).toBe(201);
    expect((await post(`/v1/wallets/${wallet.id}/debits`, { amount: usd(9) }, key)).status).toBe(201);
    const [code] = await makeCodes(service, 1);
    expect((await post('/v1/redemptions', { code, phone: wallet.phone }, key)).status).toBe(201);
    expect(await balanceOf(wallet.id)).toBe(1_000);
  });

  test('a reference used before is refused: an order that was paid is not paid again', async () => {
    const [wallet, other] = [await makeWallet(), await makeWallet()];
    const reference = `order-${wallet.id}`;
    expect((await credit(wallet.id, 100, { reference })).status).toBe(201);
    for (const again of [await credit(wallet.id, 100, { reference }), await credit(other.id, 1, { reference })]) {
      expect(again.body).toMatchObject({ status: 409, code: 'reference-reused' });
    }
    expect((await debit(wallet.id, 100, { reference })).status).toBe(201);
    expect(await balanceOf(wallet.id)).toBe(0);
    const many = `${reference}-many`;
    const answers = await Promise.all(Array.from({ length: 30 }, () => credit(wallet.id, 3, { reference: many })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await balanceOf(wallet.id)).toBe(3);
  });

  test('many at once never spend more than there is', async () => {
    const wallet = await makeWallet();
    await credit(wallet.id, 100);
    const answers = await Promise.all(Array.from({ length: 60 }, () => debit(wallet.id, 9)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(11);
    expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code))).toEqual(
      new Set(['insufficient-funds']),
    );
    expect(await balanceOf(wallet.id)).toBe(1);
    await assertCoherent(world);
  });
});

describe('a list read page by page while rows are added misses none and repeats none:', () => {
  test('code groups', async () => {
    const name = randomUUID();
    const before = [];
    for (let index = 0; index < 23; index++) before.push(await makeGroup({ name }));
    const read = await readAll(`/v1/code-groups?q=${name}`, 5, async () => {
      await Promise.all([makeGroup({ name }), makeGroup({ name })]);
    });
    expect(ids(read)).toEqual(ids(before).toReversed());
  });

  test('wallets, also of one moment', async () => {
    const from = new Date().toISOString();
    const before = await Promise.all(Array.from({ length: 23 }, () => makeWallet()));
    await world.wallet.query('update wallets set created_at = $1 where id = any($2)', [from, ids(before).slice(0, 12)]);
    const read = await readAll(`/v1/wallets?created_from=${from}`, 5, async () => void (await makeWallet()));
    expect(new Set(ids(read))).toEqual(new Set(ids(before)));
    expect(read).toHaveLength(23);
  });

  test('transactions', async () => {
    const wallet = await makeWallet();
    const before: { id: string }[] = [];
    for (let index = 1; index <= 23; index++) before.push((await credit(wallet.id, index)).body);
    const read = await readAll(`/v1/wallets/${wallet.id}/transactions`, 5, async () => {
      await Promise.all([credit(wallet.id, 1), credit(wallet.id, 2)]);
    });
    expect(ids(read)).toEqual(ids(before).toReversed());
  });

  test('redemptions, by phone, group, code, state and reference', async () => {
    const phone = newPhone();
    const coupon = await makeCoupon(service, 100);
    const before: { id: string }[] = [];
    for (let index = 0; index < 12; index++) {
      before.push((await post('/v1/redemptions', { code: coupon, phone, reference: `r-${index % 2}` })).body);
    }
    const { code } = before[0] as unknown as { code: { id: string; group_id: string } };
    const other = newPhone();
    const more = async () => void (await redeem(coupon, other));
    const filters = [`phone=%2B${phone.slice(1)}`, `code_id=${code.id}&created_to=${new Date().toISOString()}`];
    for (const filter of filters) {
      const read = await readAll(`/v1/redemptions?${filter}`, 5, more);
      expect(ids(read)).toEqual(ids(before).toReversed());
    }
    const grouped = await readAll(`/v1/redemptions?group_id=${code.group_id}&state=completed`, 50);
    expect(ids(grouped)).toEqual(expect.arrayContaining(ids(before)));
    const referred = await readAll(`/v1/redemptions?phone=%2B${phone.slice(1)}&reference=r-1`, 4);
    expect(ids(referred)).toEqual(ids(before.filter((_, index) => index % 2 === 1)).toReversed());
    expect(await readAll(`/v1/redemptions?phone=%2B${phone.slice(1)}&state=released`, 4)).toEqual([]);
  });
});

describe('health', () => {
  test.each(['/healthz', '/readyz'])('%s is open and says ok', async (path) => {
    const response = await fetch(service.url + path);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'ok' });
    expect(response.headers.get('Request-Id')).toBeTruthy();
  });

  test('/readyz tells which database is away, and is well again when it is back', async () => {
    const own = await createWorld();
    const running = await startIn(own);
    try {
      const name = own.urls.walletDatabase.split('/').at(-1);
      const superuser = new pg.Client({ connectionString: own.postgresUrl });
      await superuser.connect();
      await superuser.query(`alter database ${name} with allow_connections false`);
      await superuser.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      const away = await running.call('GET', '/readyz');
      expect(away).toMatchObject({
        status: 503,
        body: { code: 'unavailable', checks: { wallet_database: 'unavailable', gift_code_database: 'ok' } },
      });
      expect(away.headers.get('Retry-After')).toBe('1');
      expect((await running.call('GET', '/healthz')).status).toBe(200);
      expect((await running.call('GET', '/v1/wallets')).body).toMatchObject({ status: 503, code: 'unavailable' });
      await superuser.query(`alter database ${name} with allow_connections true`);
      await superuser.end();
      await until(async () => (await running.call('GET', '/readyz')).status === 200);
    } finally {
      await running.close();
      await own.close();
    }
  });
});

describe('methods that no operation is for', () => {
  const ask = async (method: string, path: string) => {
    const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
    const answer = await fetch(`${service.url}${path}`, { method, headers });
    return { status: answer.status, allow: answer.headers.get('Allow'), body: await answer.text() };
  };

  test('HEAD is GET without its body', async () => {
    expect(await ask('HEAD', '/v1/wallets')).toEqual({ status: 200, allow: null, body: '' });
    expect(await ask('HEAD', '/v1/wallets/nobody')).toEqual({ status: 404, allow: null, body: '' });
  });

  test('HEAD of codes reveals none, and is not written down as if it did', async () => {
    const [code] = await makeCodes(service, 1);
    const group = (await post('/v1/codes/lookup', { code })).body.group.id;
    const audited = async () => (await service.call('GET', `/v1/audit-log?resource=${group}`)).body.items.length;
    const before = await audited();
    expect(await ask('HEAD', `/v1/code-groups/${group}/codes.csv`)).toEqual({ status: 200, allow: null, body: '' });
    expect(await audited()).toBe(before);
    expect(await ask('GET', `/v1/code-groups/${group}/codes.csv`)).toMatchObject({ status: 200 });
    expect(await audited()).toBe(before + 1);
  });

  test('OPTIONS and 405 tell which there are', async () => {
    expect(await ask('OPTIONS', '/v1/wallets/')).toEqual({ status: 204, allow: 'HEAD, POST, GET', body: '' });
    expect(await ask('OPTIONS', '/v1/nothing')).toMatchObject({ status: 404, allow: null });
    expect(await ask('DELETE', '/v1/redemptions')).toMatchObject({ status: 405, allow: 'HEAD, POST, GET' });
  });
});
