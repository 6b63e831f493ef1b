import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { problem, type Received, type Reply, runCli, startApi } from './testing.ts';

const ID = '0198c5d2-3f00-7000-8000-000000000001';
const usd = (value: number) => ({ value, currency: 'USD' });

const redemption = {
  id: ID,
  state: 'completed',
  amount: usd(1000),
  reference: null,
  code: { id: ID, group_id: ID, group_name: 'Eid', last4: '7Q2M', redemptions: 1, max_redemptions: 1 },
  wallet: { id: ID, phone: '+989121234567', balance: usd(1000) },
  transaction_id: ID,
  workflow_id: `redemption-${ID}`,
  trace_url: `http://127.0.0.1:8233/namespaces/default/workflows/redemption-${ID}`,
  created_at: '2026-03-20T10:00:00.000Z',
  completed_at: '2026-03-20T10:00:00.020Z',
  a_member_of_tomorrow: true,
};
const wallet = {
  id: ID,
  phone: '+989121234567',
  balance: usd(1000),
  state: 'active',
  created_at: '2026-03-20T10:00:00Z',
};
const transaction = {
  id: ID,
  kind: 'debit',
  direction: 'debit',
  amount: usd(250),
  balance_after: usd(750),
  reference: 'till-7',
  created_at: '2026-03-20T10:00:00Z',
};
const group = {
  id: ID,
  name: 'Eid',
  amount: usd(1000),
  prefix: 'EID',
  codes_count: 2,
  created_at: '2026-03-20T10:00:00Z',
};
const codes = [
  { id: ID, code: 'EID-0123-4567-89AB-CDEF' },
  { id: ID, code: 'EID-0123-4567-89AB-CDEG' },
];
const csv = 'id,code,state,max_redemptions,redemptions,last_redeemed_at\n';

const routes: Record<string, Reply | ((request: Received) => Reply | 'hang up')> = {
  'POST /v1/redemptions': { status: 201, body: redemption },
  'GET /v1/redemptions': { status: 200, body: { items: [redemption], next_cursor: 'more' } },
  [`GET /v1/redemptions/${ID}`]: { status: 200, body: redemption },
  [`POST /v1/redemptions/${ID}/abort`]: { status: 200, body: { ...redemption, state: 'released', reason: 'fraud' } },
  'POST /v1/code-groups': { status: 201, body: { ...group, codes } },
  [`GET /v1/code-groups/${ID}`]: { status: 200, body: group },
  [`PATCH /v1/code-groups/${ID}`]: { status: 200, body: group },
  [`GET /v1/code-groups/${ID}/codes.csv`]: { status: 200, body: csv },
  'POST /v1/codes/lookup': { status: 200, body: { id: ID, state: 'used', max_redemptions: 1, redemptions: [] } },
  [`GET /v1/codes/${ID}`]: { status: 200, body: { id: ID, state: 'unused', max_redemptions: 1, redemptions: 0 } },
  'GET /v1/wallets': { status: 200, body: { items: [wallet], next_cursor: null } },
  'GET /v1/wallets/%2B989121234567': { status: 200, body: wallet },
  'POST /v1/wallets/%2B989121234567/debits': { status: 201, body: transaction },
};

let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi(routes);
});
afterAll(() => api.close());
beforeEach(() => {
  api.received.length = 0;
});

const vouchsafe = (...argv: string[]) => runCli(argv, { url: api.url });
const lastBody = () => JSON.parse(api.received.at(-1)?.body ?? '');

const root = mkdtempSync(join(tmpdir(), 'vouchsafe-test-'));
afterAll(() => rmSync(root, { recursive: true }));
const newFile = () => join(mkdtempSync(join(root, 'out-')), 'codes.csv');

describe('what is printed', () => {
  test('--json is the JSON of the API, unknown members too, ending in a newline', async () => {
    const { stdout, stderr, exitCode } = await vouchsafe('redeem', 'EID-1', '+989121234567', '--json');
    expect(JSON.parse(stdout)).toEqual(redemption);
    expect(stdout.endsWith('}\n')).toBe(true);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  test('a redemption shows its outcome, its wallet and the link to its trace', async () => {
    const { stdout } = await vouchsafe('redemptions', 'show', ID);
    expect(stdout).toContain('state\tcompleted\n');
    expect(stdout).toContain('wallet\t+989121234567 left at 10.00 USD\n');
    expect(stdout).toContain(`trace\t${redemption.trace_url}\n`);
  });

  test('a list is tab-separated for programs, and says beside the data that there is more', async () => {
    const { stdout, stderr } = await vouchsafe('redemptions', 'list', '--limit', '1');
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stdout.split('\n')[0]?.split('\t').slice(0, 3)).toEqual(['ID', 'STATE', 'AMOUNT']);
    expect(stderr).toBe('the newest 1; --all or a higher --limit shows more\n');
  });

  test('a list is a table in a terminal', async () => {
    const { stdout } = await runCli(['wallets', 'list'], { url: api.url }, {});
    expect(stdout).toContain('┌');
    expect(stdout).toContain('10.00 USD');
  });

  test('names typed by others cannot steer the terminal', async () => {
    const evil = await startApi({
      [`GET /v1/code-groups/${ID}`]: { status: 200, body: { ...group, name: 'a\u001b[2Jb\nc' } },
    });
    const { stdout } = await runCli(['groups', 'show', ID], { url: evil.url });
    await evil.close();
    expect(stdout).toContain('name\ta [2Jb c\n');
  });

  test('a redemption that is not finished yet says how to follow it', async () => {
    const code = { id: ID, group_id: ID };
    const pending = { id: ID, state: 'pending', amount: null, reference: null, code, wallet: { id: ID } };
    const body = { ...pending, transaction_id: null, created_at: '2026-03-20T10:00:00Z', completed_at: null };
    const slow = await startApi({ 'POST /v1/redemptions': { status: 202, body } });
    const { stdout, stderr, exitCode } = await runCli(['redeem', 'A', '+98', '--wait', '0'], { url: slow.url });
    expect(slow.received[0]?.headers.prefer).toBe('wait=0');
    await slow.close();
    expect(stdout).toBe(`redemption\t${ID}\nstate\tpending\ncode\t${ID}\ncreated\t2026-03-20T10:00:00Z\n`);
    expect({ stderr, exitCode }).toEqual({
      stderr: `accepted, not finished yet; see: vouchsafe redemptions show ${ID}\n`,
      exitCode: 0,
    });
  });

  test('a reversal that is not finished yet says how to follow it', async () => {
    const body = { id: ID, state: 'completed', created_at: '2026-03-20T10:00:00Z' };
    const slow = await startApi({ [`POST /v1/redemptions/${ID}/reverse`]: { status: 202, body } });
    const { stderr, exitCode } = await runCli(['redemptions', 'reverse', ID, '--reason', 'r', '--yes'], {
      url: slow.url,
    });
    await slow.close();
    expect({ stderr, exitCode }).toEqual({
      stderr: `the reversal is not finished yet; see: vouchsafe redemptions show ${ID}\n`,
      exitCode: 0,
    });
  });
});

describe('exit codes and the one line of an error', () => {
  test.each([
    [
      problem(409, 'code-already-redeemed', 'Code already redeemed', { detail: 'on 20 March', redemption_id: 'r-1' }),
      1,
      'Code already redeemed: on 20 March (code-already-redeemed, redemption r-1)',
    ],
    [problem(422, 'code-malformed', 'Code malformed'), 1, 'Code malformed (code-malformed)'],
    [problem(429, 'too-many-attempts', 'Too many attempts'), 1, 'Too many attempts (too-many-attempts)'],
    [
      problem(400, 'invalid-request', 'Invalid request', { errors: [{ pointer: '/phone', detail: 'is\nbad' }] }),
      2,
      'Invalid request: /phone is bad (invalid-request)',
    ],
    [problem(401, 'unauthorized', 'Unauthorized'), 3, 'Unauthorized (unauthorized)'],
    [problem(403, 'forbidden', 'Forbidden'), 3, 'Forbidden (forbidden)'],
    [problem(404, 'code-not-found', 'No such code'), 4, 'No such code (code-not-found)'],
  ])('%#', async (reply, exitCode, line) => {
    const refusing = await startApi({ 'POST /v1/redemptions': reply });
    const ran = await runCli(['redeem', 'A', '+98', '--json'], { url: refusing.url });
    await refusing.close();
    expect(ran).toEqual({ exitCode, stdout: '', stderr: `vouchsafe: ${line}\n` });
  });

  test('no server: 5, and what to start', async () => {
    const { url, close } = await startApi({});
    await close();
    const { exitCode, stderr } = await runCli(['wallets', 'list'], { url });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 5,
      stderr: `vouchsafe: no Vouchsafe at ${url}; start it with npm start\n`,
    });
    const nowhere = await runCli(['wallets', 'list'], { url: 'http://nowhere.invalid' });
    expect(nowhere.stderr).toMatch(/^vouchsafe: no answer from http:\/\/nowhere.invalid \(E\w+\)\n$/);
  });

  test.each([
    [['nonsense']],
    [['redeem', 'A']],
    [['redeem', 'A', '+98', '--wait', '31']],
    [['redeem', 'A', '+98', '--idempotency-key', 'عید']],
    [['groups', 'create', '--name', 'Eid']],
    [['groups', 'list', '--limit', '0']],
    [['groups', 'list', '--limit', '5', '--all']],
    [['groups', 'list', '--jsno']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--count', '1', '--metadata', '[]']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--count', '1', '--code', 'A']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--count', '1', '--max-redemptions', '2']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--codes-file', '/nowhere']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--count', '1', '--out', '/nowhere/codes.csv']],
    [['wallets', 'show', '..']],
    [['wallets', 'show', '']],
    [['redemptions', 'abort', ID]],
    [['redemptions', 'abort', ID, '--reason', 'fraud']],
  ])('%j is a usage error: 2, one line, nothing sent', async (argv) => {
    const { exitCode, stdout, stderr } = await vouchsafe(...argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^vouchsafe: .+\n$/);
    expect(api.received).toEqual([]);
  });

  test('a command without its subcommand shows what there is: 2', async () => {
    const { exitCode, stdout, stderr } = await vouchsafe('groups');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('create');
  });

  test.each([[['--help']], [['groups', 'create', '--help']], [['demo', '--help']]])('%j is data: 0', async (argv) => {
    const { exitCode, stdout, stderr } = await vouchsafe(...argv);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('Usage: vouchsafe');
  });
});

test('--version is that of the package', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await vouchsafe('--version')).toEqual({ exitCode: 0, stdout: `${manifest.version}\n`, stderr: '' });
});

describe('amounts', () => {
  test('are decimals here and minor units on the wire', async () => {
    const { stdout } = await vouchsafe('wallets', 'debit', '+989121234567', '2.50', '--reference', 'till-7');
    expect(lastBody()).toEqual({ amount: { value: 250, currency: 'USD' }, reference: 'till-7' });
    expect(api.received[0]?.url).toContain('?currency=USD');
    expect(stdout).toContain('amount\t-2.50 USD\n');
  });

  test.each(['2.505', '1e3', '0', '-1', '1,000', ' 1', ''])(
    '%j is refused, nothing is rounded or sent',
    async (amount) => {
      const { exitCode } = await vouchsafe('wallets', 'debit', '+989121234567', '--', amount);
      expect(exitCode).toBe(2);
      expect(api.received).toEqual([]);
    },
  );

  test('follow the currency', async () => {
    await vouchsafe('wallets', 'debit', '+989121234567', '500', '--currency', 'JPY');
    expect(lastBody()).toEqual({ amount: { value: 500, currency: 'JPY' } });
    expect((await vouchsafe('wallets', 'debit', '+989121234567', '5.00', '--currency', 'JPY')).exitCode).toBe(2);
  });
});

describe('idempotency keys', () => {
  test.each([
    [['redeem', 'A', '+989121234567']],
    [['wallets', 'debit', '+989121234567', '1.00']],
    [['groups', 'create', '--name', 'Eid', '--amount', '10.00', '--count', '2']],
  ])('%j sends a fresh one, or the given one', async (argv) => {
    await vouchsafe(...argv);
    await vouchsafe(...argv);
    await vouchsafe(...argv, '--idempotency-key', 'mine');
    const [first, second, given] = api.received.map(({ headers }) => headers['idempotency-key']);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).not.toBe(first);
    expect(given).toBe('mine');
  });
});

describe('groups create', () => {
  const create = ['groups', 'create', '--name', 'Eid', '--amount', '10.00'];

  test('sends what was said and prints the codes', async () => {
    const { stdout } = await vouchsafe(
      ...create,
      '--count',
      '2',
      '--prefix',
      'EID',
      '--per-wallet-limit',
      '1',
      '--ends-at',
      '2026-04-01T00:00:00Z',
      '--metadata',
      '{"season":"spring"}',
    );
    expect(lastBody()).toEqual({
      name: 'Eid',
      amount: { value: 1000, currency: 'USD' },
      count: 2,
      prefix: 'EID',
      per_wallet_limit: 1,
      ends_at: '2026-04-01T00:00:00Z',
      metadata: { season: 'spring' },
    });
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual(codes.map(({ code }) => code));
  });

  test('writes the codes to a new file of its owner alone', async () => {
    const file = newFile();
    const { exitCode, stdout } = await vouchsafe(...create, '--count', '2', '--out', file);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('EID-0123');
    expect(readFileSync(file, 'utf8')).toBe(csv);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('an export without a file goes to standard output', async () => {
    expect(await vouchsafe('groups', 'export', ID)).toEqual({ exitCode: 0, stdout: csv, stderr: '' });
    const { exitCode, stderr } = await vouchsafe('groups', 'export', 'nowhere');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringContaining('not all codes of group nowhere were written'),
    });
  });

  test('never overwrites a file, and finds out before anything is made', async () => {
    const file = newFile();
    writeFileSync(file, 'precious');
    expect((await vouchsafe(...create, '--count', '2', '--out', file)).exitCode).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(api.received).toEqual([]);
  });

  test('makes one coupon', async () => {
    await vouchsafe(...create, '--code', 'WELCOME2026', '--max-redemptions', '1000');
    expect(lastBody().codes).toEqual([{ code: 'WELCOME2026', max_redemptions: 1000 }]);
  });

  test('reads given codes from a file and imports those beyond the first thousand', async () => {
    const file = newFile();
    writeFileSync(
      file,
      `code,max_redemptions\n${Array.from({ length: 1200 }, (_, i) => `GIVEN${i},3`).join('\r\n')}\n`,
    );
    const report = { imported: 199, duplicates: 1, invalid: [] };
    const importing = await startApi({
      ...routes,
      [`POST /v1/code-groups/${ID}/codes`]: { status: 200, body: report },
      [`GET /v1/code-groups/${ID}`]: { status: 200, body: { ...group, codes_count: 1199 } },
    });
    const { exitCode, stderr, stdout } = await runCli([...create, '--codes-file', file, '--idempotency-key', 'k'], {
      url: importing.url,
    });
    await importing.close();
    expect(exitCode).toBe(0);
    expect(stderr).toContain('1 codes exist already');
    expect(stdout).toMatch(/^codes\s+1199$/m);
    const [first, second] = importing.received;
    expect(JSON.parse(first?.body ?? '').codes).toHaveLength(1000);
    expect(second?.headers).toMatchObject({ 'content-type': 'text/csv', 'idempotency-key': 'k/0' });
    expect(second?.body.split('\n').slice(0, 2)).toEqual(['code,max_redemptions', 'GIVEN1000,3']);
    expect(second?.body.split('\n')).toHaveLength(201);
  });

  test('waits for many codes, and fails when their generation does', async () => {
    let polls = 0;
    const states = ['running', 'failed'];
    const generating = await startApi({
      'POST /v1/code-groups': {
        status: 202,
        body: { ...group, generation: { state: 'running', made: 0, total: 5000 } },
      },
      [`GET /v1/code-groups/${ID}`]: () => ({
        status: 200,
        body: { ...group, generation: { state: states[polls++], made: 1000, total: 5000 } },
      }),
    });
    const { exitCode, stderr } = await runCli([...create, '--count', '5000'], { url: generating.url });
    await generating.close();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`generation failed: group ${ID} has 1000 of 5000 codes`);
  });
});

describe('groups create without options', () => {
  test('asks in a terminal, again where an answer does not fit', async () => {
    const typed = ['', 'Eid', '10.005', '10.00', 'many', '2', '', '2026-04-01T00:00:00Z', ''].join('\n');
    const { exitCode, stdout } = await runCli(['groups', 'create'], { url: api.url }, { typed: `${typed}\n` });
    expect(exitCode).toBe(0);
    expect(lastBody()).toEqual({
      name: 'Eid',
      amount: { value: 1000, currency: 'USD' },
      count: 2,
      ends_at: '2026-04-01T00:00:00Z',
    });
    expect(stdout).toContain(codes[0]?.code);
  });

  test('makes nothing when the answers end early', async () => {
    expect((await runCli(['groups', 'create'], { url: api.url }, { typed: 'Eid\n' })).exitCode).toBe(1);
    expect(api.received).toEqual([]);
  });

  test('asks nobody where there is no terminal', async () => {
    const { exitCode, stderr } = await vouchsafe('groups', 'create');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--name');
  });
});

describe('groups update', () => {
  test('sends what changes, and null for none', async () => {
    await vouchsafe(
      ...['groups', 'update', ID, '--name', 'Nowruz', '--ends-at', 'none', '--per-wallet-limit', '2'],
      ...['--budget', '50.00', '--metadata', '{"a":1}'],
    );
    expect(api.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /v1/code-groups/${ID}`,
      `PATCH /v1/code-groups/${ID}`,
    ]);
    expect(lastBody()).toEqual({
      name: 'Nowruz',
      ends_at: null,
      per_wallet_limit: 2,
      budget: { value: 5000, currency: 'USD' },
      metadata: { a: 1 },
    });
  });

  test.each([[[]], [['--metadata', '[1]']], [['--per-wallet-limit', '0']], [['--budget', '1.005']]])(
    'refuses %s before anything is changed',
    async (options) => {
      expect((await vouchsafe('groups', 'update', ID, ...options)).exitCode).toBe(2);
      expect(api.received.filter(({ method }) => method === 'PATCH')).toEqual([]);
    },
  );
});

describe('groups import', () => {
  test('sends the file as it is, and tells each line that is no code', async () => {
    const file = newFile();
    const text = 'code,max_redemptions\r\nGIVEN1,3\r\nabc\r\n';
    writeFileSync(file, text);
    const report = { imported: 1, duplicates: 0, invalid: [{ line: 3, reason: 'is short' }], invalid_total: 4 };
    const importing = await startApi({ [`POST /v1/code-groups/${ID}/codes`]: { status: 200, body: report } });
    const settings = { url: importing.url };
    const { exitCode, stdout, stderr } = await runCli(
      ['groups', 'import', ID, file, '--idempotency-key', 'k'],
      settings,
    );
    const json = await runCli(['groups', 'import', ID, file, '--json'], settings);
    await importing.close();
    expect([exitCode, stdout]).toEqual([0, 'imported\t1\nduplicates\t0\ninvalid\t4\n']);
    expect(stderr).toContain(`${file}:3: is short\nand 3 lines more`);
    expect(importing.received[0]).toMatchObject({
      body: text,
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'k' },
    });
    expect(JSON.parse(json.stdout)).toEqual(report);
  });
});

describe('groups cancel-generation', () => {
  test('shows what was made', async () => {
    const generation = { state: 'cancelled', made: 10, total: 5000 };
    const cancelling = await startApi({
      [`POST /v1/code-groups/${ID}/cancel-generation`]: { status: 200, body: { ...group, generation } },
    });
    const { stdout } = await runCli(['groups', 'cancel-generation', ID, '--yes'], { url: cancelling.url });
    await cancelling.close();
    expect(stdout).toContain('generation\tcancelled, 10 of 5000');
  });
});

describe('codes show', () => {
  test('takes an id or a code', async () => {
    await vouchsafe('codes', 'show', ID);
    await vouchsafe('codes', 'show', 'eid-0123');
    expect(api.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /v1/codes/${ID}`,
      'POST /v1/codes/lookup',
    ]);
    expect(lastBody()).toEqual({ code: 'eid-0123' });
  });
});

describe('redemptions abort', () => {
  const abort = ['redemptions', 'abort', ID, '--reason', 'fraud'];

  test('goes ahead with --yes', async () => {
    const { stdout } = await vouchsafe(...abort, '--yes');
    expect(lastBody()).toEqual({ reason: 'fraud' });
    expect(stdout).toContain('state\treleased\n');
  });

  test('asks in a terminal, and a no is a no', async () => {
    for (const typed of ['n\n', '\n', '']) {
      expect((await runCli(abort, { url: api.url }, { typed })).exitCode).toBe(1);
    }
    expect(api.received).toEqual([]);
    expect((await runCli(abort, { url: api.url }, { typed: 'y\n' })).exitCode).toBe(0);
  });
});

describe('as a process', () => {
  const script = `import { main } from ${JSON.stringify(new URL('./main.ts', import.meta.url).href)}; await main(process.argv.slice(1));`;
  const node = ['--import', 'tsx', '--input-type=module', '-e', script, '--'];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const env = () => ({ VOUCHSAFE_URL: api.url, VOUCHSAFE_KEY: 'k', VOUCHSAFE_HOME: root });

  test('it exits with the code and reads its settings from the environment', async () => {
    const options = { cwd, env: env() };
    const { stdout } = await promisify(execFile)(process.execPath, [...node, 'wallets', 'list', '--json'], options);
    expect(JSON.parse(stdout).items).toEqual([wallet]);
    expect(api.received[0]?.headers.authorization).toBe('Bearer k');
    const missing = promisify(execFile)(process.execPath, [...node, 'groups', 'show', 'none'], options);
    await expect(missing).rejects.toMatchObject({ code: 4 });
  });

  test('a reader that closes the pipe early ends it quietly', async () => {
    const items = Array.from({ length: 5000 }, () => wallet);
    const big = await startApi({ 'GET /v1/wallets': { status: 200, body: { items, next_cursor: null } } });
    const child = spawn(process.execPath, [...node, 'wallets', 'list'], {
      cwd,
      env: { ...env(), VOUCHSAFE_URL: big.url },
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    await big.close();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});
