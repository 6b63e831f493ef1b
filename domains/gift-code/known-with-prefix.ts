import { inArray } from 'drizzle-orm';
import { type CodeKeys, hashCode } from '../../platform/code-keys.ts';
import { GENERATED_LENGTH, generatedPart } from '../../platform/code-text.ts';
import type { Transaction } from './add-codes.ts';
import { codeHashes } from './schema.ts';

/** Hashes looked up by one statement. */
const CHUNK = 1_000;

/**
 * Which given codes are those that are there already, written with a prefix: an exported list that is given back, say. A
 * generated code is its last 16 characters, whatever stands before them, so that with a prefix its hash is another one, and
 * the key of hashes does not see that it is the same code.
 *
 * @param canonicals folded texts. @returns those of them
 */
export async function knownWithPrefix(
  transaction: Pick<Transaction, 'select'>,
  keys: CodeKeys,
  canonicals: string[],
): Promise<Set<string>> {
  const partOf = (canonical: string) => (canonical.length > GENERATED_LENGTH ? generatedPart(canonical) : null);
  const hashes: Buffer[] = [];
  const partByHash = new Map<string, string>();
  for (const part of canonicals.map(partOf)) {
    if (part === null) continue;
    for (const pepper of keys.peppers) {
      const hash = hashCode(pepper, part);
      hashes.push(hash);
      partByHash.set(hash.toString('hex'), part);
    }
  }
  const known = new Set<string | null | undefined>();
  for (let start = 0; start < hashes.length; start += CHUNK) {
    const rows = await transaction
      .select({ hash: codeHashes.hash })
      .from(codeHashes)
      .where(inArray(codeHashes.hash, hashes.slice(start, start + CHUNK)));
    for (const { hash } of rows) known.add(partByHash.get(hash.toString('hex')));
  }
  return new Set(canonicals.filter((canonical) => known.has(partOf(canonical))));
}
