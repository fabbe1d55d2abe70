import { DatabaseStartError } from './database-start-error.ts';

/** What may be shown of DATABASE_URL: who, where, which database; nothing else, since parameters can hold secrets too. */
export function describeServer(databaseUrl: string): string {
  const url = parse(databaseUrl);
  const user = url.username || url.searchParams.get('user') || '';
  const host = url.searchParams.get('host') || url.hostname || 'localhost';
  const port = url.port || url.searchParams.get('port') || '';
  return `${user ? `${readable(user)}@` : ''}${readable(host)}${port ? `:${port}` : ''}${readable(url.pathname)}`;
}

function parse(databaseUrl: string): URL {
  // For a socket the driver also takes an address without a host, which is no URL.
  const url = URL.parse(databaseUrl.replace('@/', '@localhost/'));
  if (url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)) return url;
  throw new DatabaseStartError(
    'DATABASE_URL is not the address of a Postgres server.',
    'Write it as `postgres://user:password@host:5432/database`, with `%40` for an @, `%2F` for a / and `%23` for a # in the password.',
  );
}

function readable(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
