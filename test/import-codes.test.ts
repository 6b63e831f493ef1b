import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type ApiAnswer,
  assertCoherent,
  createWorld,
  forFile,
  makeCodes,
  newPhone,
  startIn,
  until,
} from './harness.ts';

const world = await forFile(createWorld());
const service = await forFile(startIn(world, { VOUCHSAFE_GENERATION_CHUNK: '100' }));

async function makeGroup(): Promise<string> {
  const body = { name: 'Given', amount: { value: 100, currency: 'USD' }, count: 1 };
  return (await service.call('POST', '/v1/code-groups', body)).body.id;
}
const importInto = (groupId: string, csv: string, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  service.call('POST', `/v1/code-groups/${groupId}/codes`, csv, { 'Content-Type': 'text/csv', ...headers });
const newText = () => `V${randomBytes(6).toString('hex').toUpperCase()}`;
const redeem = (code: string) => service.call('POST', '/v1/redemptions', { code, phone: newPhone() });
/** Of the codes beside the first one, which was generated. */
const countOf = async (groupId: string): Promise<number> => {
  const { rows } = await world.giftCode.query(
    `select g.code_count - 1 as counted, count(c.id)::int - 1 as codes from code_groups g join codes c on c.group_id = g.id
     where g.id = $1 group by g.id`,
    [groupId],
  );
  expect(rows[0].counted).toBe(rows[0].codes);
  return rows[0].codes;
};

test('given codes are imported as people write them, and each can be redeemed as often as it says', async () => {
  const group = await makeGroup();
  const [plain, quoted, coupon, folded] = [newText(), newText(), newText(), newText()];
  const csv = `\ufeffcode,max_redemptions\r\n${plain}\r\n"${quoted.toLowerCase()}",\r\n\r\n ${coupon} , "۲"\n${folded}-oi ,1`;
  const answer = await importInto(group, csv.replace(' , "۲"', ' ,۲'), { 'Content-Type': 'text/csv; charset=utf-8' });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ imported: 4, duplicates: 0, invalid: [], invalid_total: 0 });
  expect(await countOf(group)).toBe(4);
  for (const code of [plain, quoted, coupon, coupon, `${folded}01`]) expect((await redeem(code)).status).toBe(201);
  expect((await redeem(coupon)).body.code).toBe('code-exhausted');
  const { rows } = await world.giftCode.query(
    `select type, data from outbox where aggregate_id = $1 order by aggregate_version desc limit 1`,
    [group],
  );
  expect(rows).toMatchObject([{ type: 'code_group.updated', data: { changed: ['codes'], code_count: 5 } }]);
  await assertCoherent(world);
});

test('a generated code is there already, with its prefix, without it, and with another', async () => {
  const [unused = '', used = ''] = await makeCodes(service, 2, { prefix: 'GIFT' });
  expect((await redeem(used)).status).toBe(201);
  const bare = unused.slice('GIFT-'.length);
  const group = await makeGroup();
  const answer = await importInto(group, `code\n${[unused, used, bare, `X${bare}`, `NEW-${newText()}`].join('\n')}\n`);
  expect(answer.body).toMatchObject({ imported: 1, duplicates: 4 });
  expect(await countOf(group)).toBe(1);
  expect((await redeem(used)).body.code).toBe('code-already-redeemed');
  const given = [unused, newText(), bare].map((code) => ({ code }));
  const body = { name: 'Given', amount: { value: 100, currency: 'USD' }, codes: given };
  expect((await service.call('POST', '/v1/code-groups', body)).body).toMatchObject({
    code: 'conflict',
    errors: [{ pointer: '/codes/0/code' }, { pointer: '/codes/2/code' }],
  });
  await assertCoherent(world);
});

test('where a whole chunk of a file is such codes, given back as they were exported, the others are imported', async () => {
  const exported: string[] = [];
  while (exported.length < 5_000) exported.push(...(await makeCodes(service, 1_000, { prefix: 'AAA' })));
  const group = await makeGroup();
  const again = await importInto(group, `code\n${exported.slice(0, 3).join('\n')}\n`);
  expect(again.body).toMatchObject({ imported: 0, duplicates: 3 });
  const answer = await importInto(group, `code\n${[...exported, `ZZZ${newText()}`].join('\n')}\n`);
  expect(answer.body).toMatchObject({ imported: 1, duplicates: 5_000 });
  await assertCoherent(world);
});

test('each line that is no code is told by its number, and the others are imported', async () => {
  const group = await makeGroup();
  const good = newText();
  const lines: [line: string, reason: RegExp | null][] = [
    ['abc', /^code must/],
    [good, null],
    ['', null],
    [`${newText()},0`, /^max_redemptions must/],
    [`${newText()},-1`, /^max_redemptions must/],
    [`${newText()},2147483648`, /^max_redemptions must/],
    [`${newText()},99999999999999999999`, /^max_redemptions must/],
    [`${newText()},1e3`, /^max_redemptions must/],
    [`${newText()},1,2`, /^has more than two columns/],
    ['WEL\u0000COME', /^code must/],
    ['=cmd()', /^code must/],
    [`${'x'.repeat(300)}`, /^code must/],
    ['"a ""quoted"" one"', /^code must/],
    [',5', /^code must/],
  ];
  const answer = await importInto(group, ['code,max_redemptions', ...lines.map(([line]) => line)].join('\r\n'));
  expect(answer.status).toBe(200);
  const bad = lines.flatMap(([, reason], index) => (reason ? [{ line: index + 2, reason }] : []));
  expect(answer.body).toMatchObject({ imported: 1, duplicates: 0, invalid_total: bad.length });
  expect(answer.body.invalid).toEqual(bad.map(({ line, reason }) => ({ line, reason: expect.stringMatching(reason) })));
  expect(await countOf(group)).toBe(1);
  expect((await redeem(good)).status).toBe(201);
});

test('a code that is there already, in the file, this group or another one, is a duplicate and stays what it was', async () => {
  const [first, second] = [await makeGroup(), await makeGroup()];
  const [here, there, twice] = [newText(), newText(), newText()];
  expect((await importInto(first, `code\n${there}`)).body.imported).toBe(1);
  expect((await importInto(second, `code\n${here}`)).body.imported).toBe(1);
  const [generated = ''] = await makeCodes(service, 1);
  const csv = `code,max_redemptions\n${here},5\n${there},5\n${twice},2\n${twice.toLowerCase()},9\n${generated}`;
  expect((await importInto(second, csv)).body).toEqual({ imported: 1, duplicates: 4, invalid: [], invalid_total: 0 });
  expect(await countOf(second)).toBe(2);
  const { body } = await service.call('POST', '/v1/codes/lookup', { code: twice });
  expect(body).toMatchObject({ max_redemptions: 2, group: { id: second } });
  expect((await service.call('POST', '/v1/codes/lookup', { code: there })).body.group.id).toBe(first);
});

test('a repeat under the same key imports nothing and answers the first report, also when both come at once', async () => {
  const group = await makeGroup();
  const texts = Array.from({ length: 300 }, newText);
  const headers = { 'Idempotency-Key': randomUUID() };
  const csv = ['code', ...texts, 'x'].join('\n');
  const answers = await Promise.all([1, 2, 3].map(() => importInto(group, csv, headers)));
  for (const { status, body } of answers) {
    expect([status, body.imported, body.duplicates, body.invalid]).toEqual([
      200,
      300,
      0,
      [{ line: 302, reason: expect.any(String) }],
    ]);
  }
  expect(answers.filter(({ headers }) => headers.get('Idempotent-Replayed') === 'true')).toHaveLength(2);
  // Written otherwise, it is the same request.
  const otherwise = `\ufeff${csv.toLowerCase().replaceAll('\n', ',1\r\n').replace('code,1', 'code,max_redemptions')}`;
  expect((await importInto(group, otherwise, headers)).body).toEqual(answers[0]?.body);
  expect((await importInto(group, `${csv}\n${newText()}`, headers)).body.code).toBe('idempotency-key-reused');
  expect((await importInto(await makeGroup(), csv, headers)).body.code).toBe('idempotency-key-reused');
  expect(await countOf(group)).toBe(300);
});

test('imports of the same codes at once put each of them in once', async () => {
  const groups = await Promise.all(Array.from({ length: 4 }, makeGroup));
  const texts = Array.from({ length: 2_000 }, newText);
  const answers = await Promise.all(
    groups.map((group, index) =>
      importInto(group, ['code', ...texts.slice(index * 100), ...texts.slice(0, index * 100)].join('\n')),
    ),
  );
  for (const { status } of answers) expect(status).toBe(200);
  expect(answers.reduce((sum, { body }) => sum + body.imported, 0)).toBe(2_000);
  const counts = await Promise.all(groups.map(countOf));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2_000);
});

test('codes are imported into a group while its codes are generated, and both are exact', async () => {
  const body = { name: 'Both', amount: { value: 100, currency: 'USD' }, count: 5_000 };
  const { id } = (await service.call('POST', '/v1/code-groups', body)).body;
  const texts = Array.from({ length: 500 }, newText);
  expect((await importInto(id, ['code', ...texts].join('\n'))).body.imported).toBe(500);
  const group = await until(async () => {
    const { body } = await service.call('GET', `/v1/code-groups/${id}`);
    // Each answer is of one moment.
    expect(body.codes_count).toBe(500 + body.generation.made);
    return body.generation.state !== 'running' && body;
  });
  expect(group).toMatchObject({ codes_count: 5_500, generation: { state: 'done', made: 5_000 } });
  expect(await countOf(id)).toBe(5_499);
  expect((await redeem(texts[0] ?? '')).status).toBe(201);
});

describe('what is no list of codes is refused, and nothing is imported', () => {
  test.each<[what: string, csv: string, status: number]>([
    ['no header', 'WELCOME1\nWELCOME2', 400],
    ['another header', 'id,code\n1,WELCOME1', 400],
    ['a header too long', 'code,max_redemptions,state\nWELCOME1,1,unused', 400],
    ['nothing', '', 400],
    ['a byte order mark alone', '\ufeff', 400],
    ['a quote that does not end', 'code\n"WELCOME1', 400],
    ['a line without end', `code\n${'x'.repeat(100_000)}`, 400],
    ['JSON', '{"count":1}', 400],
    ['more lines than there may be', `code\n${'AB12\n'.repeat(250_001)}`, 413],
    ['more than 16 MiB', `code\n${`${'A'.repeat(60)}\n`.repeat(280_000)}`, 413],
  ])('%s', async (_, csv, status) => {
    const group = await makeGroup();
    const answer = await importInto(group, csv);
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([status, 'application/problem+json']);
    expect(await countOf(group)).toBe(0);
  });

  test('bytes that are not UTF-8, other character sets, other types, groups that are not there', async () => {
    const group = await makeGroup();
    const bytes = Buffer.concat([Buffer.from('code\nWELCOME'), Buffer.from([0xff, 0xfe])]);
    const send = (type: string, body: Buffer, id = group) =>
      fetch(`${service.url}/v1/code-groups/${id}/codes`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${world.environment.VOUCHSAFE_ADMIN_KEY}`, 'Content-Type': type },
        body: new Uint8Array(body),
      });
    expect((await send('text/csv', bytes)).status).toBe(400);
    const good = Buffer.from(`code\n${newText()}`);
    for (const type of [
      'text/csv; charset=iso-8859-1',
      'text/csv; charset=utf-16',
      'text/plain',
      'application/vnd.ms-excel',
    ]) {
      expect([type, (await send(type, good)).status]).toEqual([type, 415]);
    }
    expect((await send('text/csv', good, randomUUID())).status).toBe(404);
    expect((await send('text/csv', good, 'x')).status).toBe(404);
    expect(await countOf(group)).toBe(0);
  });
});

test('100,000 codes are imported in one request', async () => {
  const group = await makeGroup();
  const start = randomBytes(4).toString('hex').toUpperCase();
  const csv = ['code,max_redemptions', ...Array.from({ length: 100_000 }, (_, index) => `${start}X${index},1`)].join(
    '\n',
  );
  const answer = await importInto(group, csv);
  expect([answer.status, answer.body]).toEqual([
    200,
    { imported: 100_000, duplicates: 0, invalid: [], invalid_total: 0 },
  ]);
  expect(await countOf(group)).toBe(100_000);
  expect((await redeem(`${start}X99999`)).status).toBe(201);
});
