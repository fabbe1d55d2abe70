import { createHash } from 'node:crypto';

/**
 * The form of an API key: `sk-sluice-`, which lets scanners of leaked secrets find it, 256 random bits and six digits that check them. A key that
 * was mistyped, cut or made up is so told from one that nobody has without a question to the database.
 */
const BEGINNING = 'sk-sluice-';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_DIGITS = 43;
const CHECK_DIGITS = 6;
const FORM = /^sk-sluice-[0-9A-Za-z]{49}$/;
const SHOWN_DIGITS = 6;

/** Makes a key of random bytes, 32 of them. */
export function apiKeyOf(random: Uint8Array): string {
  const secret = BEGINNING + digits(random, SECRET_DIGITS);
  return secret + checkOf(secret);
}

export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(BEGINNING);
}

/** Whether it could be one: says nothing of whether there is such a key. */
export function isApiKey(text: string): boolean {
  return FORM.test(text) && text.endsWith(checkOf(text.slice(0, -CHECK_DIGITS)));
}

/** What people tell a key by, and what may be shown of it: 220 of its bits stay unknown. */
export function apiKeyPrefix(key: string): string {
  return key.slice(0, BEGINNING.length + SHOWN_DIGITS);
}

function checkOf(secret: string): string {
  return digits(createHash('sha256').update(secret).digest().subarray(0, 4), CHECK_DIGITS);
}

function digits(bytes: Uint8Array, count: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let digit = 0; digit < count; digit++) {
    text = `${DIGITS[Number(rest % 62n)]}${text}`;
    rest /= 62n;
  }
  return text;
}
