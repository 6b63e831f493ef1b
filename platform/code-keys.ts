import { createCipheriv, createDecipheriv, createHash, hash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.ts';
import { drawBytes } from './random.ts';

export interface CodeKey {
  id: number;
  key: Buffer;
}

/** The keys of codes, the newest last: every live pepper is looked up and written, the newest seal seals. */
export interface CodeKeys {
  peppers: CodeKey[];
  seals: CodeKey[];
}

const keyList = z
  .array(z.strictObject({ id: z.int().min(1).max(32767), key: z.base64().length(44) }))
  .nonempty()
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length)
  .transform((keys) => keys.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') })));
const keyFile = z.strictObject({ peppers: keyList, seals: keyList });

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SHA256_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;
/** More than the canonical text of any code has. */
const MAX_CANONICAL_BYTES = 128;

/** Reads the keys from the environment's JSON, else from `keys/codes.json` under the home. Null: there are none. @throws ConfigError */
export async function readCodeKeys(home: string, fromEnvironment: string | undefined): Promise<CodeKeys | null> {
  const path = keyPath(home);
  const text = fromEnvironment ?? (await readFile(path, 'utf8').catch(ifMissing(null)));
  if (text === null) return null;
  const where = fromEnvironment ? 'VOUCHSAFE_CODE_KEYS' : path;
  try {
    return keyFile.parse(JSON.parse(text));
  } catch {
    throw new ConfigError(
      `${where} cannot be used: expected {"peppers":[{"id":1,"key":"<32 bytes, base64>"}],"seals":[…]}, each id once in its list`,
    );
  }
}

/** Makes the first keys and keeps them under the home, readable by its owner alone. */
export async function makeCodeKeys(home: string): Promise<CodeKeys> {
  const keys: CodeKeys = { peppers: [{ id: 1, key: randomBytes(32) }], seals: [{ id: 1, key: randomBytes(32) }] };
  const encode = (list: CodeKey[]) => list.map(({ id, key }) => ({ id, key: key.toString('base64') }));
  const path = keyPath(home);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const text = JSON.stringify({ peppers: encode(keys.peppers), seals: encode(keys.seals) });
  await writeFile(path, `${text}\n`, { mode: 0o600, flag: 'wx' });
  return keys;
}

/**
 * What a code is looked up by: HMAC-SHA-256 of its canonical text under a pepper. Composed of its two hashes, RFC 2104:
 * `createHmac` makes an object of OpenSSL's for each code, which takes three times as long to make and to clear away.
 */
export function hashCode(pepper: CodeKey, canonical: string): Buffer {
  let blocks = blocksOf.get(pepper);
  if (!blocks) {
    blocks = { inner: keyBlock(pepper, 0x36, MAX_CANONICAL_BYTES), outer: keyBlock(pepper, 0x5c, SHA256_BYTES) };
    blocksOf.set(pepper, blocks);
  }
  const { inner, outer } = blocks;
  const length = SHA256_BLOCK_BYTES + inner.write(canonical, SHA256_BLOCK_BYTES, 'latin1');
  // As text, which is made and cleared away faster than a buffer.
  outer.write(hash('sha256', inner.subarray(0, length), 'binary'), SHA256_BLOCK_BYTES, 'latin1');
  return Buffer.from(hash('sha256', outer, 'binary'), 'latin1');
}

/** Room for both hashes' inputs, which begin with the key. */
const blocksOf = new WeakMap<CodeKey, { inner: Buffer; outer: Buffer }>();

/** The key, padded with zeros to a block and combined with a byte; behind it, room for what is hashed with it. */
function keyBlock({ key }: CodeKey, byte: number, room: number): Buffer {
  const block = Buffer.alloc(SHA256_BLOCK_BYTES + room);
  for (let index = 0; index < SHA256_BLOCK_BYTES; index++) block[index] = byte ^ (key[index] ?? 0);
  return block;
}

/** Encrypts a code's text with AES-256-GCM, bound to the code's id: nonce, ciphertext, tag. */
export function sealCode(seal: CodeKey, codeId: string, text: string): Buffer {
  const nonce = drawBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', seal.key, nonce).setAAD(Buffer.from(codeId));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when the key is not the one it was sealed with, or the seal was moved to another code */
export function unsealCode(seals: CodeKey[], keyId: number, codeId: string, sealed: Buffer): string {
  const seal = seals.find(({ id }) => id === keyId);
  if (!seal) throw new Error(`the seal key ${keyId} is not among the keys`);
  const decipher = createDecipheriv('aes-256-gcm', seal.key, sealed.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(codeId))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
}

/** Tells a key from another without telling the key. */
export function fingerprint(key: CodeKey): Buffer {
  return createHash('sha256').update('vouchsafe key fingerprint').update(key.key).digest().subarray(0, 16);
}

const keyPath = (home: string) => join(home, 'keys', 'codes.json');

function ifMissing<T>(fallback: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return fallback;
    throw error;
  };
}
