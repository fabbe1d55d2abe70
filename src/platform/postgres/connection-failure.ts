import { codeOf, DatabaseStartError, messageOf } from './database-start-error.ts';

type Refusal = { readonly sign: RegExp; readonly message: (server: string) => string; readonly hint: string };

/** By the code of the error where it has one, else by its words; the first that fits. */
const REFUSALS: readonly Refusal[] = [
  {
    sign: /^28P01|password must be a string|no password was provided/i,
    message: (server) => `${server} refuses the password.`,
    hint: 'Check user and password in DATABASE_URL; in the password write `%40` for an @, `%2F` for a /, `%23` for a #.',
  },
  {
    sign: /does not support SSL/i,
    message: (server) => `${server} does not speak TLS.`,
    hint: 'Take `sslmode=…` out of DATABASE_URL, or turn TLS on at the server.',
  },
  {
    sign: /certificate|self.signed|UNABLE_TO_VERIFY|ERR_TLS|altnames/i,
    message: (server) => `The TLS certificate of ${server} is not trusted.`,
    hint: 'Add `sslmode=verify-full&sslrootcert=/path/to/ca.pem` to DATABASE_URL, or `sslmode=no-verify` on a network that you trust.',
  },
  {
    sign: /^28000/,
    message: (server) => `${server} does not let this user in.`,
    hint: 'See pg_hba.conf of the server; where it asks for TLS add `?sslmode=require` to DATABASE_URL.',
  },
  {
    sign: /^3D000/,
    message: (server) => `${server}: there is no such database.`,
    hint: 'Create it (`create database …`), or name another one at the end of DATABASE_URL.',
  },
  {
    sign: /^ECONNREFUSED|^ENOENT/,
    message: (server) => `Nothing listens at ${server}.`,
    hint: 'Start the server, or correct host and port in DATABASE_URL. Without DATABASE_URL the embedded database is used.',
  },
  {
    sign: /^ENOTFOUND|^EAI_|getaddrinfo|resolve/i,
    message: (server) => `The host of ${server} is not known.`,
    hint: 'Correct the host in DATABASE_URL, or see whether this machine can resolve names.',
  },
  {
    sign: /^ETIMEDOUT|^EHOSTUNREACH|^ENETUNREACH|timeout|timed out/i,
    message: (server) => `${server} does not answer.`,
    hint: 'See whether the server runs, and whether a firewall stands between it and this machine.',
  },
  {
    sign: /^53300/,
    message: (server) => `${server} has no free connection.`,
    hint: 'Raise `max_connections` at the server, or put a pooler in session mode in front of it.',
  },
  {
    sign: /^57P03/,
    message: (server) => `${server} is starting, recovering or stopping.`,
    hint: 'Start again in a moment.',
  },
  {
    sign: /startup parameter/i,
    message: (server) => `${server} is a pooler that refuses our settings.`,
    hint: 'Use the direct address of the server, or add statement_timeout to `ignore_startup_parameters` of the pooler.',
  },
  {
    sign: /^42501/,
    message: (server) => `${server}: this user may not do what is needed.`,
    hint: 'Make the user the owner of the database (`alter database … owner to …`).',
  },
];

/** Says why a server that is named by DATABASE_URL cannot be used; `server` is what describeServer() made of it. */
export function explainConnectionFailure(error: unknown, server: string): DatabaseStartError {
  if (error instanceof DatabaseStartError) return error;
  const code = codeOf(error);
  const words = messageOf(error);
  const refusal = REFUSALS.find(({ sign }) => sign.test(code) || sign.test(words));
  const message = refusal?.message(server) ?? `${server} cannot be used: ${words}.`;
  return new DatabaseStartError(message, refusal?.hint ?? 'Check DATABASE_URL.', error);
}
