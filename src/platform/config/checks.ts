import { isIP } from 'node:net';
import type { ConfigFile } from '../../contract/config-file.ts';
import { SETTINGS, type SettingName, type SettingRow, type Settings } from '../../contract/settings.ts';
import { PatternError } from '../../core/pattern-syntax.ts';
import { createRedact } from '../../core/redaction.ts';
import { parseUnknownPrice } from '../../core/unknown-price.ts';
import { JWT_SECRET_BYTES_MIN, jwtSecretWeakness, PASSWORD_CHARACTERS_MIN, passwordWeakness } from '../../core/weak-secrets.ts';
import type { ConfigProblem } from './config-error.ts';
import { quoted } from './values.ts';

type Read = {
  readonly settings: Settings;
  readonly file: ConfigFile;
  /** Where a setting came from, to print: its variable where it is unset. */
  readonly where: (name: SettingName) => string;
  readonly placeInFile: (path: readonly string[]) => string;
};

/** What no single value can tell: rules across settings. */
export function checkConfig(read: Read): { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly string[] } {
  const secrets = weakSecrets(read);
  const problems = [
    ...ownAddressProblems(read),
    ...schemeProblems(read),
    ...proxyProblems(read),
    ...originProblems(read),
    ...storageProblems(read),
    ...priceProblems(read),
    ...redactionProblems(read),
  ];
  if (read.settings.environment !== 'production') {
    return { problems, warnings: secrets.map(({ where, message }) => `${where} ${message}. Production would refuse it.`) };
  }
  return { problems: [...problems, ...missingSecrets(read), ...secrets], warnings: [] };
}

const JWT_SECRET_ADVICE = 'Make one with `openssl rand -base64 48`, and keep it: a new one signs everybody out.';
const PASSWORD_ADVICE = `Choose at least ${PASSWORD_CHARACTERS_MIN} characters, for example from \`openssl rand -base64 18\`; or leave it unset, and one is made and printed once.`;

function missingSecrets({ settings, where }: Read): ConfigProblem[] {
  if (settings.jwtSecret !== null) return [];
  return [{ where: where('jwtSecret'), message: `must be set in production: at least ${JWT_SECRET_BYTES_MIN} random bytes`, hint: JWT_SECRET_ADVICE }];
}

function weakSecrets({ settings, where }: Read): ConfigProblem[] {
  const { jwtSecret, adminPassword } = settings;
  const secret = jwtSecret === null ? null : jwtSecretWeakness(jwtSecret);
  const password = adminPassword === null ? null : passwordWeakness(adminPassword);
  return [
    ...(secret === null ? [] : [{ where: where('jwtSecret'), message: secret, hint: JWT_SECRET_ADVICE }]),
    ...(password === null ? [] : [{ where: where('adminPassword'), message: password, hint: PASSWORD_ADVICE }]),
  ];
}

function redactionProblems({ file, placeInFile }: Read): ConfigProblem[] {
  return file.privacy.redact.flatMap((rule, index) => {
    if (typeof rule === 'string') return [];
    try {
      createRedact([rule]);
      return [];
    } catch (cause) {
      if (!(cause instanceof PatternError)) throw cause;
      return [{ where: placeInFile(['privacy', 'redact', String(index), 'pattern']), message: `the pattern ${cause.message}` }];
    }
  });
}

function storageProblems({ settings, where }: Read): ConfigProblem[] {
  if (settings.s3Bucket === null) return [];
  const needed = (['s3AccessKeyId', 's3SecretAccessKey'] as const).filter((name) => settings[name] === null);
  return needed.map((name) => ({ where: where(name), message: `must be set where ${SETTINGS.s3Bucket.env} is` }));
}

function ownAddressProblems({ settings, file, where, placeInFile }: Read): ConfigProblem[] {
  const rows: readonly [string, SettingRow][] = Object.entries(SETTINGS);
  const addresses = [
    ...rows.filter(([, row]) => row.upstream).map(([name]) => ({ where: where(name as SettingName), url: settings[name as SettingName] })),
    ...Object.entries(file.providers).map(([id, provider]) => ({ where: placeInFile(['providers', id, 'base_url']), url: provider.base_url })),
  ];
  return addresses
    .filter(({ url }) => typeof url === 'string' && isOurselves(url, settings.apiHost, settings.apiPort))
    .map(({ where: place }) => ({
      where: place,
      message: 'points at Sluice itself, so that every call would come back to us',
      hint: `Give the provider's own address, or let Sluice listen elsewhere with API_PORT (now ${settings.apiPort}).`,
    }));
}

function isOurselves(url: string, host: string, port: number): boolean {
  const parsed = URL.parse(url);
  if (parsed === null || port === 0) return false;
  const urlPort = parsed.port === '' ? { 'http:': 80, 'https:': 443 }[parsed.protocol] : Number(parsed.port);
  if (urlPort !== port) return false;
  const [there, here] = [plainHost(parsed.hostname), plainHost(host)];
  if (there === here) return true;
  return isThisMachine(there) && isThisMachine(here);
}

/** As the URL parser writes it, without brackets: `127.1` and `0x7f.1` are 127.0.0.1. */
function plainHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  const written = URL.parse(`http://${bare.includes(':') ? `[${bare}]` : bare}`)?.hostname ?? bare;
  return written
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isThisMachine(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host.startsWith('127.') ||
    ['0.0.0.0', '::', '::1', '::ffff:0:0'].includes(host) ||
    host.startsWith('::ffff:7f')
  );
}

function schemeProblems({ settings, where }: Read): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (settings.databaseUrl !== null && !/^postgres(ql)?:\/\//.test(settings.databaseUrl)) {
    const hint = /^postgres(ql)?\+/.test(settings.databaseUrl) ? 'Leave the `+driver` out.' : 'Unset it to use the database that comes with Sluice.';
    problems.push({ where: where('databaseUrl'), message: 'must start with `postgres://`: Sluice keeps its rows in Postgres', hint });
  }
  if (settings.redisUrl !== null && !/^(rediss?|valkeys?):\/\//.test(settings.redisUrl)) {
    problems.push({ where: where('redisUrl'), message: 'must start with `redis://` or `rediss://`' });
  }
  for (const name of ['httpProxy', 'httpsProxy'] as const) {
    if (settings[name]?.startsWith('https:') !== true) continue;
    const hint = 'What goes to a provider at `https://` is encrypted on its whole way all the same.';
    problems.push({ where: where(name), message: 'must start with `http://`: Sluice does not reach a proxy by TLS', hint });
  }
  return problems;
}

function proxyProblems({ settings, where }: Read): ConfigProblem[] {
  return settings.trustProxy
    .filter((entry) => !isNetwork(entry))
    .map((entry) => ({
      where: where('trustProxy'),
      message: `${quoted(entry)} is neither an address nor a network`,
      hint: 'Write `10.0.0.7`, `10.0.0.0/8`, `loopback` or `private`; several with commas between.',
    }));
}

function isNetwork(entry: string): boolean {
  if (entry === 'loopback' || entry === 'private') return true;
  const [address = '', bits, ...more] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

function originProblems({ settings, where }: Read): ConfigProblem[] {
  return (settings.corsOrigins ?? [])
    .filter((origin) => origin !== '*' && (URL.parse(origin)?.origin ?? null) !== origin)
    .map((origin) => ({
      where: where('corsOrigins'),
      message: `${quoted(origin)} is not an origin`,
      hint: 'Write `https://example.org` or `http://localhost:3000`, without a path; or `*`.',
    }));
}

function priceProblems({ settings, where }: Read): ConfigProblem[] {
  if (parseUnknownPrice(settings.unknownPrice) !== null) return [];
  const message = `must be two prices such as \`2.50/10.00\`, or \`free\`, or \`refuse\`, not ${quoted(settings.unknownPrice)}`;
  return [{ where: where('unknownPrice'), message, hint: 'USD for a million tokens of input, and of output.' }];
}
