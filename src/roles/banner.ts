import type { App } from '../app.ts';

export type StartUp = {
  readonly url: string;
  readonly database: string;
  readonly dataDir: string;
  readonly user: { readonly username: string; readonly password?: string; readonly warning?: string };
  readonly startedInMs: number;
};

/** What somebody who has just started the service wants to know. */
export function announce(app: App, start: StartUp, terminal: ((text: string) => void) | null): void {
  const config = app.config();
  const demo = config.defaultModel === 'demo';
  const models = [...config.providers.keys()].join(', ');
  const open = config.corsOrigins.includes('*') && config.allowAnonymous && config.providers.has('openai');
  const warnings = [
    ...(start.user.warning ? [start.user.warning] : []),
    ...(open
      ? ['Any web page that somebody here opens could call this service and spend on your provider key: set CORS_ORIGINS, or ALLOW_ANONYMOUS=false.']
      : []),
  ];
  if (terminal === null) {
    app.log.info('ready', {
      url: start.url,
      providers: models,
      default_model: config.defaultModel,
      database: start.database,
      data: start.dataDir,
      ...(start.user.password === undefined ? {} : { first_user: `${start.user.username} / ${start.user.password}` }),
      started_in_ms: Math.round(start.startedInMs),
    });
    for (const warning of warnings) app.log.warning(warning);
    return;
  }
  const rows: [string, string][] = [
    ['Address', start.url],
    ['Docs', `${start.url}/docs`],
    ['Models', demo ? 'demo (built in, free, says [demo] in every answer)' : `${config.defaultModel} by default; providers: ${models}`],
    ['Data', `${start.dataDir} (${start.database})`],
    ['Sign-in', signIn(start.user)],
  ];
  if (demo) rows.push(['Real answers', 'set the key of a provider, such as OPENAI_API_KEY, in .env and start again, or run `sluice models pull tinyllama`']);
  rows.push(['Try it', `curl -N '${start.url}/generate?stream=true' -H 'content-type: application/json' -d '{"prompt":"Say hello"}'`]);
  const lines = rows.map(([name, value]) => `  ${name.padEnd(13)} ${value}`);
  terminal(
    `\n  ${config.settings.appName} is ready after ${(start.startedInMs / 1000).toFixed(1)} s\n\n${lines.join('\n')}\n${warnings.map((warning) => `\n  ! ${warning}\n`).join('')}\n`,
  );
}

function signIn(user: StartUp['user']): string {
  if (user.password === undefined) return `${user.username}, with the password that it has`;
  return `${user.username} / ${user.password}   (made now and shown only this once)`;
}
