import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { openApi } from '../api/openapi.ts';
import { operations } from '../api/routes/index.ts';
import { readConfig } from '../platform/config.ts';

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  [keyword: string]: unknown;
}
interface Described {
  operationId: string;
  responses: Record<string, { headers: Record<string, unknown>; content?: Record<string, { schema: Schema }> }>;
}

export const document = openApi(operations(readConfig({}))) as {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
};

const { Problem, ...named } = document.components.schemas;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: 'document', components: { schemas: { ...closed(named), Problem } } });
const compiled = new Map<string, ValidateFunction>();

/** Headers of HTTP itself, of which the document says nothing. */
const TRANSPORT = new Set(
  'allow cache-control connection content-length content-type date keep-alive transfer-encoding vary'.split(' '),
);

/**
 * Holds an answer against the OpenAPI document: the operation, its status, its headers and every member must be described
 * there. What clients must bear, members that are not described, is an error here.
 */
export function assertDocumented(method: string, url: string, status: number, headers: Headers, body: unknown): void {
  const path = new URL(url).pathname.replace(/\/$/, '');
  const found = describedAt(path)?.[method.toLowerCase()];
  // Paths and methods that do not exist answer problems that no operation describes.
  if (!found || status === 405) return;
  const response = found.responses[String(status)];
  if (!response) {
    if (status >= 500) return;
    throw new Error(`${found.operationId} answered ${status}, which is not documented`);
  }
  const described = Object.keys(response.headers).map((name) => name.toLowerCase());
  const unknown = [...headers.keys()].filter((name) => !TRANSPORT.has(name) && !described.includes(name));
  if (unknown.length > 0)
    throw new Error(`${found.operationId} answered ${status} with ${unknown}, which is not documented`);
  const mediaType = headers.get('Content-Type')?.split(';')[0] ?? '';
  if (!response.content) {
    if (body !== undefined) throw new Error(`${found.operationId} answered ${status} with a body`);
    return;
  }
  const content = response.content[mediaType];
  if (!content) throw new Error(`${found.operationId} answered ${status} as ${mediaType}, which is not documented`);
  if (mediaType === 'text/csv') return;
  const key = `${found.operationId} ${status}`;
  const validate =
    compiled.get(key) ??
    ajv.compile(relocated(mediaType.includes('problem') ? content.schema : closed(content.schema)));
  compiled.set(key, validate);
  if (validate(body)) return;
  throw new Error(`${key} is not as documented: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body)}`);
}

/** The operations at a path, the one without parameters first. */
function describedAt(path: string): Record<string, Described> | undefined {
  const matching = Object.entries(document.paths).filter(([pattern]) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return matching.sort(([a], [b]) => a.split('{').length - b.split('{').length)[0]?.[1];
}

const relocated = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'));

/** The same schema, in which no member is allowed that is not described. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const hasMembers = 'properties' in parts && !('additionalProperties' in parts);
  return { ...parts, ...(hasMembers && { additionalProperties: false }) } as T;
}
