import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { rounded } from './latencies.ts';
import { defineBench } from './options.ts';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';
import type { Stage } from './stage.ts';

const POLL_MS = 250;
const PROGRESS_EVERY = 100_000;

/**
 * A campaign's codes: generated in the background, from the request until the group says that it is done, then given ones
 * in one CSV, by another process, whose memory is its own. What was made is counted in the database.
 */
export const generate = defineBench({
  defaults: { codes: 1_000_000, import: 100_000 },
  async run(stage, { codes, import: given }) {
    let groupId = '';
    const generation = await measured(stage, async (service) => {
      stage.progress(`Generate: ${codes} codes`);
      groupId = await generated(stage, service, codes);
    });
    await assertExact(stage, groupId, codes);

    const csv = givenCodes(given);
    const importing = await measured(stage, async (service) => {
      stage.progress(`Import: ${given} codes`);
      const report = await call(service, 'POST', `/v1/code-groups/${groupId}/codes`, csv);
      if (report.imported !== given) throw new Error(`not all were imported: ${JSON.stringify(report).slice(0, 500)}`);
    });
    await assertExact(stage, groupId, codes + given);
    return {
      codes,
      seconds: rounded(generation.seconds),
      per_second: rounded(codes / generation.seconds, 0),
      peak_rss_mib: rounded(generation.peakRssMib, 0),
      import_codes: given,
      import_seconds: rounded(importing.seconds),
      import_per_second: rounded(given / importing.seconds, 0),
      import_peak_rss_mib: rounded(importing.peakRssMib, 0),
    };
  },
});

/** Has a service of its own do something. */
async function measured(stage: Stage, work: (service: ServiceProcess) => Promise<void>) {
  stage.progress('Starting the service');
  const service = await startServiceProcess(stage);
  try {
    const begun = performance.now();
    await work(service);
    return { seconds: (performance.now() - begun) / 1_000, peakRssMib: service.peakRssMib() };
  } finally {
    await service.stop();
  }
}

/** Has a new group's codes made, and waits for them. @returns the group's id */
async function generated(stage: Stage, service: ServiceProcess, count: number): Promise<string> {
  let group = await call(service, 'POST', '/v1/code-groups', {
    name: 'Bench',
    amount: { value: 1_000, currency: 'USD' },
    count,
  });
  for (let told = 0; group.generation?.state === 'running'; ) {
    await sleep(POLL_MS, undefined, { signal: stage.signal });
    group = await call(service, 'GET', `/v1/code-groups/${group.id}`);
    if (group.generation.made - told < PROGRESS_EVERY) continue;
    told = group.generation.made;
    stage.progress(`${told} of ${count}`);
  }
  if (group.codes_count !== count) throw new Error(`the codes were not made: ${JSON.stringify(group)}`);
  return group.id;
}

/** Each code once, each with its hash, at a position of its own. @throws Error with the counts */
async function assertExact({ giftCode, progress }: Stage, groupId: string, count: number): Promise<void> {
  const { rows } = await giftCode.steps.query(
    `select count(*)::integer as codes, count(distinct position)::integer as positions,
       (select count(*)::integer from code_hashes) as hashes,
       (select code_count from code_groups where id = $1) as counted
     from codes where group_id = $1`,
    [groupId],
  );
  if (Object.values(rows[0]).some((counted) => counted !== count)) {
    throw new Error(`not exact: ${count} asked for, ${JSON.stringify(rows[0])}`);
  }
  progress(`Exact: ${count} codes, as many positions, as many hashes`);
}

function givenCodes(count: number): string {
  const start = randomBytes(4).toString('hex').toUpperCase();
  const lines = Array.from({ length: count }, (_, index) => `${start}-${String(index).padStart(7, '0')},1`);
  return ['code,max_redemptions', ...lines].join('\n');
}

// biome-ignore lint/suspicious/noExplicitAny: a bench reads what the API answers
async function call(service: ServiceProcess, method: string, path: string, body?: object | string): Promise<any> {
  const isCsv = typeof body === 'string';
  const response = await fetch(new URL(path, service.url), {
    method,
    headers: { Authorization: `Bearer ${service.adminKey}`, 'Content-Type': isCsv ? 'text/csv' : 'application/json' },
    ...(body !== undefined && { body: isCsv ? body : JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
