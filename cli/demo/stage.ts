import { randomInt, randomUUID } from 'node:crypto';
import type { CodeGroup, Redemption } from '../api-types.ts';
import type { Cli } from '../cli.ts';
import { path } from '../client.ts';
import { CliError, EXIT } from '../errors.ts';
import { amountOf } from '../options.ts';

/** What the steps of the demo share. */
export interface Stage {
  cli: Cli;
  group: CodeGroup;
  /** The phone that redeems first; its wallet is looked at throughout. */
  phone: string;
  /** A code of the group that no step has used yet. */
  nextCode(): { id: string; code: string };
}

/** Area codes whose numbers 555-0100 to 555-0199 are kept for fiction, so that no demo meets somebody's phone. */
const AREA_CODES = '202 206 212 303 312 404 412 503 512 602 612 617 702 713 804'.split(' ');

export async function setStage(cli: Cli, codes: number): Promise<Stage> {
  const group = await cli.client().request<CodeGroup>('POST', '/v1/code-groups', {
    body: {
      name: `Demo ${new Date().toISOString()}`,
      amount: amountOf('10', cli.settings().currency),
      count: codes,
      prefix: 'DEMO',
    },
    idempotencyKey: randomUUID(),
  });
  const unused = [...(group.codes ?? [])];
  const nextCode = () => {
    const code = unused.shift();
    if (!code) throw new CliError(EXIT.refused, `group ${group.id} came with fewer codes than the demo needs`);
    return code;
  };
  const [phone = ''] = fictitiousPhones(1);
  return { cli, group, phone, nextCode };
}

/** Different phones in E.164, up to 1,500. */
export function fictitiousPhones(count: number): string[] {
  const all = AREA_CODES.flatMap((area) =>
    Array.from({ length: 100 }, (_, line) => `+1${area}55501${String(line).padStart(2, '0')}`),
  );
  const start = randomInt(all.length);
  return [...all.slice(start), ...all.slice(0, start)].slice(0, count);
}

export function redeem(stage: Stage, code: string, phone: string, waitSeconds = 20): Promise<Redemption> {
  const request = { body: { code, phone }, idempotencyKey: randomUUID(), waitSeconds };
  return stage.cli.client().request<Redemption>('POST', '/v1/redemptions', request);
}

/** The state that a redemption reached, or the code of its refusal. */
export function answerOf(redemption: Promise<Redemption>): Promise<string> {
  return redemption.then(
    ({ state }) => state,
    (error: unknown) => (error instanceof CliError && error.problem?.code) || String(error),
  );
}

export function readRedemption(stage: Stage, id: string): Promise<Redemption> {
  return stage.cli.client().request<Redemption>('GET', path`/v1/redemptions/${id}`);
}

/** The heading of a step. */
export function heading(stage: Stage, text: string): void {
  const { out } = stage.cli;
  out.line();
  out.line(out.colors.bold(text));
}
