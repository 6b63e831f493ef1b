import type { Check, Diagnostics } from '../api-types.ts';
import type { Client } from '../client.ts';
import { CliError, EXIT } from '../errors.ts';

/** The Date header has whole seconds, and an answer takes a moment. */
const CLOCK_TOLERANCE_MS = 3_000;

/** Checks the way to the API from here, then has the gateway check what is behind it. */
export async function examine(client: Client, url: string): Promise<Check[]> {
  let clock: Check;
  try {
    clock = clockCheck(await client.clock());
  } catch (error) {
    const action = 'Start it with npm start, or set VOUCHSAFE_URL to where it listens.';
    return [{ name: 'API', state: 'failed', detail: messageOf(error), action }];
  }
  const answers = (version: string): Check => ({
    name: 'API',
    state: 'ok',
    detail: `${version} answers at ${url}`,
    action: null,
  });
  try {
    const { version, scopes, checks } = await client.request<Diagnostics>('GET', '/v1/diagnostics');
    const key: Check = { name: 'key', state: 'ok', detail: `may ${scopes.join(' ')}`, action: null };
    return [answers(`version ${version}`), clock, key, ...checks];
  } catch (error) {
    return [answers('it'), clock, keyCheck(error)];
  }
}

function clockCheck({ serverMs, askedMs }: { serverMs: number; askedMs: number }): Check {
  const name = 'clock of this machine';
  if (Number.isNaN(serverMs)) {
    return { name, state: 'warning', detail: 'the API told no time', action: 'See what answers at VOUCHSAFE_URL.' };
  }
  const aheadMs = askedMs - serverMs;
  const detail = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the API`;
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    return { name, state: 'warning', detail, action: 'Synchronise the clocks (NTP).' };
  }
  return { name, state: 'ok', detail, action: null };
}

function keyCheck(error: unknown): Check {
  const isAuth = error instanceof CliError && error.exitCode === EXIT.auth;
  if (!isAuth) {
    const action = 'See the log of the gateway.';
    return { name: 'diagnostics', state: 'failed', detail: messageOf(error), action };
  }
  const action =
    error.problem?.code === 'forbidden'
      ? 'Use a key with ops:read: the rest needs it.'
      : "Set VOUCHSAFE_KEY to a live key; the admin's own is kept in admin.key of the server's VOUCHSAFE_HOME.";
  return { name: 'key', state: 'failed', detail: messageOf(error), action };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
