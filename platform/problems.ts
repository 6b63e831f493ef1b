/** What can go wrong, as answered by the API: one entry a code, which is part of the contract. */
export const problems = {
  'invalid-request': [
    400,
    'The request is not valid',
    'Correct what `errors` points at: a JSON pointer into the body, ?name for a query parameter, or the name of a header.',
  ],
  unauthorized: [401, 'No valid API key was sent', 'Send `Authorization: Bearer` with a key of this server.'],
  forbidden: [403, 'This API key may not do this', 'Use a key with the scope that the operation needs.'],
  'not-found': [404, 'There is no such resource', 'Check the address and the id.'],
  'code-not-found': [
    404,
    'There is no such code',
    'Check the code with whoever gave it out; it is well-formed, but it is not of this service.',
  ],
  'wallet-not-found': [
    404,
    'There is no such wallet',
    'Check the phone or id and the currency. A wallet comes into being at its first redemption, or by POST /v1/wallets.',
  ],
  'method-not-allowed': [405, 'The resource does not know this method', 'The Allow header names the methods it knows.'],
  'code-already-redeemed': [
    409,
    'The code has been redeemed',
    'Nothing to do: each gift code works once. `redemption_id`, where present, is your own redemption of it.',
  ],
  'code-reserved': [
    409,
    'The code is being redeemed right now',
    'Another redemption of this code is under way. Ask again after Retry-After, with a new Idempotency-Key.',
  ],
  'code-exhausted': [409, 'The code has been redeemed as often as it may be', 'All uses of this coupon are taken.'],
  'code-disabled': [409, 'The code is disabled', 'An operator switched this code off.'],
  'group-disabled': [409, 'The code group is disabled', 'An operator switched this campaign off.'],
  'code-not-started': [
    409,
    'The code cannot be redeemed yet',
    'Try again when the window of the code group has begun.',
  ],
  'code-expired': [409, 'The code can no longer be redeemed', 'The window of the code group has ended.'],
  'per-wallet-limit': [
    409,
    'The wallet has used this code group as often as it may',
    'This phone has had its share of this campaign. `redemption_id`, where present, is its latest redemption of this code.',
  ],
  'budget-exhausted': [
    409,
    'The budget of the code group is used up',
    'The campaign has spent its money. `redemption_id`, where present, is your own redemption of this code.',
  ],
  'wallet-frozen': [
    409,
    'The wallet is frozen',
    'An operator froze this wallet. Nothing was taken: a code is free again, for a new Idempotency-Key.',
  ],
  'wallet-exists': [409, 'The phone has a wallet in this currency', 'Use the wallet that `wallet_id` names.'],
  'insufficient-funds': [409, 'The wallet holds less than that', 'Debit less, or credit the wallet first.'],
  'balance-limit': [
    409,
    'The wallet would hold more than it may',
    'A balance is at most 2^53 - 1 minor units. Nothing was taken: a code is free again, for a new Idempotency-Key.',
  ],
  'currency-mismatch': [
    409,
    'The wallet is of another currency',
    'Use the currency of the wallet, or the wallet of the currency.',
  ],
  'reference-reused': [
    409,
    'The reference has been used',
    'References are unique per kind of movement and client. Send an Idempotency-Key to repeat a request safely.',
  ],
  conflict: [
    409,
    'The state of the resource does not allow this',
    'Read the resource, and `detail`, for its present state.',
  ],
  'payload-too-large': [413, 'The request is too large', 'Send less at a time.'],
  'unsupported-media-type': [415, 'The content type is not one this operation takes', 'Send application/json.'],
  'code-malformed': [
    422,
    'This cannot be a code',
    'The code is mistyped: its check character does not fit, or it has characters no code has.',
  ],
  'idempotency-key-reused': [
    422,
    'The Idempotency-Key was used for another request',
    'Use a new key for a new request. Nothing has happened.',
  ],
  'too-many-attempts': [
    429,
    'Too many wrong codes',
    'Codes were guessed from this phone, address or API key. Wait as long as Retry-After says; each further wrong code makes the next wait longer.',
  ],
  'rate-limited': [429, 'Too many requests', 'Send fewer requests a second, and repeat this one after Retry-After.'],
  unavailable: [
    503,
    'The service is not available for the moment',
    'Nothing has happened. Try again after Retry-After.',
  ],
  'outcome-unknown': [
    504,
    'Whether it happened is not known yet',
    'Look at what the request was about, such as the redemption that `redemption_id` names, or repeat it with the same Idempotency-Key.',
  ],
  'internal-error': [500, 'Something broke on our side', 'Please report it with the Request-Id of the answer.'],
} as const satisfies Record<string, readonly [status: number, title: string, remedy: string]>;

export type ProblemCode = keyof typeof problems;

export const isProblemCode = (text: string): text is ProblemCode => Object.hasOwn(problems, text);

export interface ProblemOptions {
  detail?: string;
  /** Further members of the problem, such as `redemption_id`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** An answer that is a problem, thrown from wherever it is found. RFC 9457. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly options: ProblemOptions;
  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    // An answer, not an accident: nobody reads its stack, and taking it costs more than the answer.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(options.detail ?? problems[code][1]);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return problems[this.code][0];
  }
}

/** Something is away: nothing has happened, and it may be asked for again in a second. */
export const unavailable = (detail: string, members?: Record<string, unknown>): Problem =>
  new Problem('unavailable', { detail, ...(members && { members }), headers: { 'Retry-After': '1' } });
