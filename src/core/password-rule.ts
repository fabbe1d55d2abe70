import { PASSWORD_CHARS_MAX } from '../contract/auth.ts';
import { type AppError, invalidValue } from '../contract/errors.ts';
import { PASSWORD_CHARACTERS_MIN, passwordWeakness } from './weak-secrets.ts';

/**
 * What a new password must be (NIST SP 800-63B-4): long where it is the only factor, and none that guessers try first. Nothing about digits or
 * capitals, which make passwords harder to remember and not to guess. Development asks for little, because it is for trying out.
 */
export type PasswordRule = { readonly minLength: number; readonly maxLength: number; readonly guessableRefused: boolean };

const RULES: Readonly<Record<'development' | 'production', PasswordRule>> = {
  development: { minLength: 4, maxLength: PASSWORD_CHARS_MAX, guessableRefused: false },
  production: { minLength: PASSWORD_CHARACTERS_MIN, maxLength: PASSWORD_CHARS_MAX, guessableRefused: true },
};

export function passwordRule(environment: 'development' | 'production'): PasswordRule {
  return RULES[environment];
}

/** Fifteen characters make lists of common passwords nearly empty: what is left are these words, rows of keys, and both put together. */
const COMMON_WORDS =
  'password passwort passw0rd administrator admin letmein welcome changeme secret iloveyou qwerty qwertz sluice login master default monkey dragon football baseball sunshine princess test root user guest'.split(
    ' ',
  );
const RUNS = [
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
  'qazwsxedcrfvtgbyhnujm',
].flatMap(
  // Twice, because a row goes on at its beginning: 7890123.
  (run) => [run.repeat(2), [...run].toReversed().join('').repeat(2)],
);
const FAMOUS = ['correcthorsebatterystaple', 'thequickbrownfox'];
const PIECE_CHARS_MIN = 3;
/** What must be left of a password besides its obvious pieces. */
const REST_CHARS_MIN = 6;

/** Why a password may not be taken, in words that follow its field's name; null when it may. */
export function passwordProblem(password: string, rule: PasswordRule, username: string): string | null {
  const length = [...password].length;
  if (length < rule.minLength || length > rule.maxLength) return `must have between ${rule.minLength} and ${rule.maxLength} characters`;
  if (rule.guessableRefused && isGuessable(password, username))
    return 'must not be one that is guessed first: common words, rows of keys, repetitions or the user name';
  return null;
}

/** Why a field with a password is refused: never with what was received. */
export function wrongPassword(field: string, problem: string, rule: PasswordRule | null): AppError {
  const bounds = rule === null ? {} : { min: rule.minLength, max: rule.maxLength, guessable_refused: rule.guessableRefused };
  return invalidValue(field, problem, bounds);
}

function isGuessable(password: string, username: string): boolean {
  if (passwordWeakness(password) !== null) return true;
  let rest = password
    .toLowerCase()
    .replaceAll('@', 'a')
    .replaceAll('$', 's')
    .replaceAll(/[\s\p{P}\p{S}]/gu, '');
  // Signs alone are nobody's first guess; weakness has looked for repetitions.
  if (rest === '') return false;
  if (new Set(rest).size < 5) return true;
  for (const word of [username.toLowerCase(), ...FAMOUS, ...COMMON_WORDS]) if (word.length >= PIECE_CHARS_MIN) rest = rest.replaceAll(word, '');
  return withoutRuns(rest).length < REST_CHARS_MIN;
}

/** Takes every longest run along the alphabet, the digits or the keyboard out, forwards and backwards. */
function withoutRuns(text: string): string {
  let rest = '';
  for (let at = 0; at < text.length;) {
    let length = 0;
    while (at + length < text.length && isRun(text.slice(at, at + length + 1))) length++;
    if (length < PIECE_CHARS_MIN) rest += text.slice(at, at + 1);
    at += length < PIECE_CHARS_MIN ? 1 : length;
  }
  return rest;
}

function isRun(piece: string): boolean {
  return RUNS.some((run) => run.includes(piece));
}
