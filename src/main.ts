#!/usr/bin/env bun
import { run } from './cli/program.ts';

const code = await run(process.argv, {
  env: process.env,
  serve: async () => {
    const { serve } = await import('./roles/api.ts');
    await serve(source());
  },
  migrate: async () => {
    const { migrateOnly } = await import('./roles/migrate.ts');
    return migrateOnly(source());
  },
  checkConfig: async (options) => {
    const { checkConfig } = await import('./roles/check-config.ts');
    return checkConfig(source(), options);
  },
  doctor: async (options) => {
    const { doctor } = await import('./roles/doctor.ts');
    return doctor(source(), options);
  },
  openapi: async () => {
    const { openapiText } = await import('./roles/openapi.ts');
    return openapiText(source());
  },
});
process.exit(code);

function source(): { env: Record<string, string | undefined>; cwd: string } {
  return { env: process.env, cwd: process.cwd() };
}
