/**
 * What a person typed or pasted, in plain characters: compatibility forms (full-width letters, digits, signs) and Persian
 * and Arabic-Indic digits become their ASCII twins; invisible format characters (direction marks, joiners, soft hyphens)
 * that messengers leave in copied text are dropped.
 */
export function plainText(input: string): string {
  if (/^[\x20-\x7e]*$/.test(input)) return input;
  return input
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0xf));
}
