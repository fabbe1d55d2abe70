export const JWT_SECRET_BYTES_MIN = 32;
export const PASSWORD_CHARACTERS_MIN = 15;

const SAMPLE_WORDS = new Set([
  'secret',
  'jwtsecret',
  'supersecret',
  'mysecret',
  'password',
  'passwd',
  'admin',
  'letmein',
  'qwerty',
  'test',
  'dev',
  'default',
  'sk1234',
  '1234',
]);
const SAMPLE_PARTS =
  /changeme|changethis|changeit|changein|yoursecret|yoursuper|yourjwt|yourpassword|yourkey|replaceme|replacethis|replacewith|placeholder|insertyour|notsosecret/;

/** Why a signing secret is too weak for production, or null. */
export function jwtSecretWeakness(secret: string): string | null {
  const bytes = new TextEncoder().encode(secret).length;
  if (isSample(secret)) return 'is a sample that everybody knows';
  if (bytes < JWT_SECRET_BYTES_MIN) return `has ${bytes} bytes; at least ${JWT_SECRET_BYTES_MIN} are needed`;
  return repeatsItself(secret) ? 'repeats itself and can be guessed' : null;
}

/** Why a password is too weak for production, or null. */
export function passwordWeakness(password: string): string | null {
  const characters = [...password].length;
  if (isSample(password)) return 'is a sample that everybody knows';
  if (characters < PASSWORD_CHARACTERS_MIN) return `has ${characters} characters; at least ${PASSWORD_CHARACTERS_MIN} are needed`;
  return repeatsItself(password) ? 'repeats itself and can be guessed' : null;
}

function isSample(secret: string): boolean {
  const plain = secret.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SAMPLE_WORDS.has(plain) || SAMPLE_PARTS.test(plain) || /^<.*>$/.test(secret);
}

/** One character, or a short piece, again and again. */
function repeatsItself(secret: string): boolean {
  for (let period = 1; period <= Math.min(16, secret.length / 2); period += 1) {
    if (secret.startsWith(secret.slice(period))) return true;
  }
  return false;
}
