import { setTimeout as sleep } from 'node:timers/promises';
import type { Page, Problem } from './api-types.ts';
import { CliError, EXIT, problemError, usageError } from './errors.ts';

export interface RequestOptions {
  query?: Query;
  /** Sent as JSON; a text as CSV. */
  body?: unknown;
  /** Makes a POST safe to repeat: the server answers a repeat from the first. */
  idempotencyKey?: string;
  /** For a POST that does nothing the second time, or only reads. */
  repeatable?: boolean;
  /** Seconds the server may wait for the outcome before it answers. */
  waitSeconds?: number;
}

export type Query = Record<string, string | number | boolean | undefined>;

export type Client = ReturnType<typeof createClient>;

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const TIMEOUT_MS = 60_000;
const STREAM_TIMEOUT_MS = 3_600_000;
const MAX_RETRIES = 3;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
/** Statuses after which the same request may be sent again: nothing has happened, or the key makes a repeat harmless. */
const RETRIED_STATUSES = [429, 503, 504];
/** Reasons why a connection failed that mean that no request reached a server. */
const NEVER_CONNECTED = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];
const TIMED_OUT = 'it took too long';
/** The largest page the API gives. */
const MAX_PAGE = 200;

/**
 * A client of the REST API. Requests that are safe to repeat are sent up to four times when the connection fails, the
 * server is unavailable, or there were too many for a moment. All functions throw `CliError`.
 */
export function createClient(server: { url: string; key: string | undefined }) {
  const strange = () => new CliError(EXIT.unavailable, `${server.url} does not answer as Vouchsafe does`);

  /** @returns the answer's JSON; the caller names its shape */
  function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    return send(method, path, options, TIMEOUT_MS, async (response) => {
      const body = await readJson(response);
      const isNothing = body === undefined || (body === null && method !== 'DELETE');
      if (isNothing) throw strange();
      return body as T;
    });
  }

  /** Up to `limit` items of a list, over as many pages as that takes; `next_cursor` tells whether there are more. */
  async function list<T>(path: string, query: Query, limit: number): Promise<Page<T>> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const pageQuery: Query = {
        ...query,
        limit: Math.min(limit - items.length, MAX_PAGE),
        cursor: cursor ?? undefined,
      };
      const page: Page<T> = await request<Page<T>>('GET', path, { query: pageQuery });
      if (!Array.isArray(page.items)) throw strange();
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null && items.length < limit);
    return { items, next_cursor: cursor };
  }

  /** The answer's body as it comes, for files too large for memory. */
  function stream(path: string): Promise<ReadableStream<Uint8Array>> {
    return send('GET', path, {}, STREAM_TIMEOUT_MS, async ({ body }) => {
      if (!body) throw new CliError(EXIT.unavailable, `${server.url} sent nothing for ${path}`);
      return body;
    });
  }

  /** The server's clock, to the second, and when it was asked for by ours; needs no key. */
  function clock(): Promise<{ serverMs: number; askedMs: number }> {
    const askedMs = Date.now();
    return send('GET', '/healthz', {}, TIMEOUT_MS, async ({ headers, body }) => {
      await body?.cancel();
      return { serverMs: Date.parse(headers.get('date') ?? ''), askedMs };
    });
  }

  async function send<T>(
    method: Method,
    path: string,
    options: RequestOptions,
    timeoutMs: number,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const repeatable = method !== 'POST' || options.repeatable || options.idempotencyKey !== undefined;
    const url = server.url + path + queryText(options.query);
    const init = content(method, options);
    let mayHaveArrived = false;
    for (let attempt = 0; ; attempt++) {
      const isLast = !repeatable || attempt === MAX_RETRIES;
      let retryAfter: string | null = null;
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
        mayHaveArrived = true;
        if (response.ok) return await read(response);
        retryAfter = response.headers.get('retry-after');
        // Whoever is locked out for longer is told so.
        const isLong = response.status === 429 && Number(retryAfter) * 1_000 > MAX_DELAY_MS;
        if (isLast || isLong || !RETRIED_STATUSES.includes(response.status)) throw await refusal(response, options);
        await response.body?.cancel();
      } catch (error) {
        if (error instanceof CliError) throw error;
        const reason = connectionReason(error);
        mayHaveArrived ||= !NEVER_CONNECTED.includes(reason);
        if (isLast || reason === TIMED_OUT) throw connectionError(reason, options, mayHaveArrived);
      }
      await sleep(retryDelayMs(attempt, retryAfter));
    }
  }

  function content(method: Method, options: RequestOptions): RequestInit {
    const headers = new Headers({ accept: 'application/json, text/csv' });
    if (server.key !== undefined) headers.set('authorization', `Bearer ${server.key}`);
    if (options.idempotencyKey !== undefined) headers.set('idempotency-key', options.idempotencyKey);
    if (options.waitSeconds !== undefined) headers.set('prefer', `wait=${options.waitSeconds}`);
    if (options.body === undefined) return { method, headers };
    const isCsv = typeof options.body === 'string';
    headers.set('content-type', isCsv ? 'text/csv' : 'application/json');
    return { method, headers, body: isCsv ? String(options.body) : JSON.stringify(options.body) };
  }

  async function refusal(response: Response, options: RequestOptions): Promise<CliError> {
    const problem = ((await readJson(response)) ?? {}) as Problem;
    const error = problemError(response.status, problem, server.url);
    return error.exitCode === EXIT.unavailable ? withKeyHint(error, options) : error;
  }

  function connectionError(reason: string, options: RequestOptions, mayHaveArrived: boolean): CliError {
    const text =
      reason === 'ECONNREFUSED'
        ? `no Vouchsafe at ${server.url}; start it with npm start`
        : `no answer from ${server.url} (${reason})`;
    const error = new CliError(EXIT.unavailable, text);
    return mayHaveArrived ? withKeyHint(error, options) : error;
  }

  return { request, list, stream, clock };
}

/** A path whose values are escaped, so that no value reaches another resource. @throws CliError for an empty one */
export function path(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw(
    { raw: strings },
    ...values.map((value) => {
      if (/^\.{0,2}$/.test(value)) throw usageError(`"${value}" names nothing`);
      return encodeURIComponent(value);
    }),
  );
}

/** Whatever became of the request, the same key finds it out without doing it twice. */
function withKeyHint(error: CliError, options: RequestOptions): CliError {
  if (options.idempotencyKey === undefined) return error;
  const hint = `repeat it safely with --idempotency-key ${options.idempotencyKey}`;
  return new CliError(error.exitCode, `${error.message}; ${hint}`, error.problem);
}

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size ? `?${parameters}` : '';
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '' && response.ok) return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Exponential, with jitter so that many clients do not come back at once; the server's wish is honoured up to a limit. */
function retryDelayMs(attempt: number, retryAfter: string | null): number {
  const wished = Number(retryAfter ?? 0) * 1000 || 0;
  const backoff = FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random());
  return Math.min(Math.max(wished, backoff), MAX_DELAY_MS);
}

/** The system's word for why `fetch` failed, such as ECONNREFUSED. */
function connectionReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return TIMED_OUT;
  if (error.cause instanceof Error) return 'code' in error.cause ? String(error.cause.code) : error.cause.message;
  return error.message;
}
