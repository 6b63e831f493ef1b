/** What can go wrong, as answered by the API: one entry a code, and the code is part of the contract. */
export const problems = {
  'invalid-request': [400, 'The request is not valid'],
  unauthorized: [401, 'No valid API key was sent'],
  forbidden: [403, 'This API key may not do this'],
  'not-found': [404, 'There is no such resource'],
  'code-not-found': [404, 'There is no such code'],
  'wallet-not-found': [404, 'There is no such wallet'],
  'method-not-allowed': [405, 'The resource does not know this method'],
  'code-already-redeemed': [409, 'The code has been redeemed'],
  'code-reserved': [409, 'The code is being redeemed right now'],
  'code-exhausted': [409, 'The code has been redeemed as often as it may be'],
  'code-disabled': [409, 'The code is disabled'],
  'group-disabled': [409, 'The code group is disabled'],
  'code-not-started': [409, 'The code cannot be redeemed yet'],
  'code-expired': [409, 'The code can no longer be redeemed'],
  'per-wallet-limit': [409, 'The wallet has used this code group as often as it may'],
  'budget-exhausted': [409, 'The budget of the code group is used up'],
  'wallet-frozen': [409, 'The wallet is frozen'],
  'wallet-exists': [409, 'The phone has a wallet in this currency'],
  'insufficient-funds': [409, 'The wallet holds less than that'],
  'balance-limit': [409, 'The wallet would hold more than it may'],
  'currency-mismatch': [409, 'The wallet is of another currency'],
  'reference-reused': [409, 'The reference has been used'],
  conflict: [409, 'The state of the resource does not allow this'],
  'payload-too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The content type is not one this operation takes'],
  'code-malformed': [422, 'This cannot be a code'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another request'],
  unavailable: [503, 'The service is not available for the moment'],
  'outcome-unknown': [504, 'Whether it happened is not known yet'],
  'internal-error': [500, 'Something broke on our side'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

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
    super(options.detail ?? problems[code][1]);
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return problems[this.code][0];
  }
}
