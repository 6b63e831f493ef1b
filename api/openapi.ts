import { z } from 'zod';
import { type ProblemCode, problems } from '../platform/problems.ts';
import { answers } from './answers.ts';
import type { AnswerSchema, Operation } from './operation.ts';

/** Problems that any operation under /v1 may answer. */
const COMMON: ProblemCode[] = ['invalid-request', 'unauthorized', 'forbidden', 'not-found', 'rate-limited'];
const COMMON_WITH_BODY: ProblemCode[] = ['payload-too-large', 'unsupported-media-type'];

/** The OpenAPI 3.1 document of the API, made from the schemas that validate the requests. */
export function openApi(operations: Operation[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vouchsafe',
      version: '1',
      description:
        'Gift codes to wallet credit, exactly once. Money is in minor units; times are RFC 3339; errors are RFC 9457 problems.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key' } },
      headers: HEADERS,
      schemas: { Problem: PROBLEM_SCHEMA, ...namedAnswers() },
    },
  };
}

function describe(operation: Operation): Record<string, unknown> {
  const { params, query, body } = operation;
  const codes = [
    ...COMMON,
    ...(operation.method === 'GET' ? [] : COMMON_WITH_BODY),
    ...(operation.takesCode ? (['too-many-attempts'] as const) : []),
    ...(operation.action ? (['outcome-unknown'] as const) : []),
    ...operation.problems,
  ];
  return {
    operationId: operationId(operation),
    summary: operation.summary,
    description: scopeText(operation),
    tags: [operation.path.split('/')[2]],
    parameters: [
      ...parameters(params, 'path'),
      ...parameters(query, 'query'),
      ...(operation.idempotent
        ? [header('Idempotency-Key', 'Makes a repeat of this request the same request; 1 to 255 printable ASCII.')]
        : []),
      ...(operation.waits ? [header('Prefer', '`wait=N`: wait up to N seconds (0 to 30) for the end.')] : []),
    ],
    ...(body && {
      requestBody: {
        required: !body.safeParse({}).success,
        content: {
          'application/json': { schema: jsonSchema(body) },
          ...(operation.csv && { 'text/csv': { schema: { type: 'string' } } }),
        },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, schema]) => [status, success(operation, status, schema)]),
      ),
      ...problemResponses(operation, codes),
    },
  };
}

const HEADERS = {
  'Request-Id': { description: 'Of this request; the audit log has it', schema: { type: 'string', format: 'uuid' } },
  Location: { description: 'Where what was made is, or where to look again', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
  'Idempotent-Replayed': { description: 'Answered from an earlier request', schema: { const: 'true' } },
  'Preference-Applied': { description: 'What was heeded of `Prefer`', schema: { type: 'string' } },
  'Server-Timing': { description: 'What each step took, in ms', schema: { type: 'string' } },
  'Content-Disposition': { description: 'A name for the file', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'How to send a key', schema: { type: 'string' } },
};
const HEADERS_OF_PROBLEMS: Partial<Record<ProblemCode, readonly (keyof typeof HEADERS)[]>> = {
  unauthorized: ['WWW-Authenticate'],
  'rate-limited': ['Retry-After'],
  'too-many-attempts': ['Retry-After'],
  unavailable: ['Retry-After'],
  'code-reserved': ['Retry-After'],
};
const MEANING: Record<string, string> = {
  200: 'Done',
  201: 'Made',
  202: 'Accepted: `Location` tells where to look',
  204: 'Gone',
};

function success(operation: Operation, status: string, schema: AnswerSchema): Record<string, unknown> {
  const headers = headersOf(operation, status === '202' ? ['Location', 'Retry-After'] : [], operation.sends);
  const described = { description: MEANING[status], headers };
  if (schema === 'nothing') return described;
  if (schema === 'csv') return { ...described, content: { 'text/csv': { schema: { type: 'string' } } } };
  return { ...described, content: { 'application/json': { schema: answerSchema(schema) } } };
}

/** What any answer of an operation may have, and more. */
function headersOf({ idempotent, waits }: Operation, ...more: (readonly (keyof typeof HEADERS)[] | undefined)[]) {
  const names: (keyof typeof HEADERS)[] = ['Request-Id'];
  if (idempotent) names.push('Idempotent-Replayed');
  if (waits) names.push('Preference-Applied');
  const all = [...names, ...more.flatMap((some) => some ?? [])];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const scopeText = ({ scope, ownScope }: Operation) =>
  ownScope
    ? `Needs the scope \`${scope}\`, or \`${ownScope}\` for what the same client made.`
    : `Needs the scope \`${scope}\`.`;

const operationId = ({ method, path }: Operation) =>
  `${method.toLowerCase()}_${path.replace('/v1/', '').replace(/[{}]/g, '').replace(/\W+/g, '_')}`;

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query') {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema) as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

function problemResponses(operation: Operation, codes: ProblemCode[]): Record<string, unknown> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes))
    byStatus.set(problems[code][0], [...(byStatus.get(problems[code][0]) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      String(status),
      {
        description: ofStatus.map((code) => `[${code}](/errors/${code})`).join(', '),
        headers: headersOf(
          operation,
          ofStatus.flatMap((code) => HEADERS_OF_PROBLEMS[code] ?? []),
        ),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

/** The schemas that have a name, each once. */
function namedAnswers(): Record<string, unknown> {
  return Object.assign({}, ...Object.values(answers).map((schema) => split(schema).named));
}

/** What is answered; a named schema as a reference to it. */
const answerSchema = (schema: z.ZodType): unknown => split(schema).rest;

/** A schema, and apart from it those it names. */
function split(schema: z.ZodType): { rest: unknown; named: Record<string, unknown> } {
  const wrapped = z.toJSONSchema(z.object({ answer: schema }), { io: 'output', override: open });
  const text = JSON.stringify(wrapped).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { properties, $defs = {} } = JSON.parse(text);
  for (const named of Object.values<Record<string, unknown>>($defs)) delete named.id;
  return { rest: properties.answer, named: $defs };
}

/** Members may be added to answers. */
function open({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** What a client sends: before our transformations. */
function jsonSchema(schema: z.ZodType): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string', description: 'The page about this problem' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(problems) },
    detail: { type: 'string' },
    redemption_id: { type: 'string', format: 'uuid' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { pointer: { type: 'string' }, detail: { type: 'string' } } },
    },
  },
};
