import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CodeKeys, hashCode, sealCode } from '../../platform/code-keys.ts';
import { formatCode, generateCodeText } from '../../platform/code-text.ts';
import { newId } from '../../platform/ids.ts';
import { drawBytes } from '../../platform/random.ts';

export interface NewCode {
  id: string;
  /** As people see it. */
  text: string;
  canonical: string;
}

/** New codes as `add_codes` takes them, in their order; lists as Postgres writes them, since the driver takes 3 µs a code. */
export interface SealedCodes {
  count: number;
  ids: string;
  lastCharacters: string;
  /** One after the other, each up to its end. */
  seals: Buffer;
  sealEnds: string;
  sealKey: number;
  /** Every code's under the first pepper, then every code's under the next one; 32 bytes each. */
  hashes: Buffer;
  peppers: number[];
}

/** Codes made in one go, about 4 ms: between them, redemptions have their turn. */
const SLICE = 250;
const HASH_BYTES = 32;
/** Last characters that anybody may see; of a short given code fewer, so that as many stay hidden. */
const SHOWN = 4;

/** Hashes and seals `count` codes, slice by slice. */
export async function sealCodes(keys: CodeKeys, count: number, codes: Iterable<NewCode>): Promise<SealedCodes> {
  const seal = keys.seals.at(-1);
  if (!seal) throw new Error('there is no seal key');
  const ids: string[] = [];
  const lastCharacters: string[] = [];
  const seals: Buffer[] = [];
  const sealEnds: number[] = [];
  const hashes = Buffer.allocUnsafe(HASH_BYTES * count * keys.peppers.length);
  for (const { id, text, canonical } of codes) {
    for (const [rank, pepper] of keys.peppers.entries()) {
      hashCode(pepper, canonical).copy(hashes, HASH_BYTES * (rank * count + ids.length));
    }
    ids.push(id);
    lastCharacters.push(text.slice(Math.max(text.length - SHOWN, SHOWN)));
    const sealed = sealCode(seal, id, text);
    seals.push(sealed);
    sealEnds.push((sealEnds.at(-1) ?? 0) + sealed.length);
    if (ids.length % SLICE === 0) await nextTurn();
  }
  return {
    count,
    ids: `{${ids.join()}}`,
    // Quoted, or a code that ends in NULL would have none.
    lastCharacters: `{${lastCharacters.map((last) => `"${last}"`).join()}}`,
    seals: Buffer.concat(seals),
    sealEnds: `{${sealEnds.join()}}`,
    sealKey: seal.id,
    hashes,
    peppers: keys.peppers.map((pepper) => pepper.id),
  };
}

/** Codes that nobody has seen before, each made when it is asked for. */
export function* newGeneratedCodes(count: number, prefix: string | null): Generator<NewCode> {
  for (let made = 0; made < count; made++) {
    const canonical = generateCodeText(drawBytes);
    yield { id: newId(), text: formatCode(canonical, prefix), canonical };
  }
}
