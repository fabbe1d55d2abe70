#!/usr/bin/env bun
import { run } from './cli/program.ts';

process.exitCode = await run(process.argv, {
  serve: async () => {
    const { serve } = await import('./roles/api.ts');
    await serve(source());
  },
  migrate: async () => {
    const { migrateOnly } = await import('./roles/migrate.ts');
    return migrateOnly(source());
  },
  checkConfig: async () => {
    const { checkConfig } = await import('./roles/check-config.ts');
    return checkConfig(source());
  },
  doctor: async () => {
    const { doctor } = await import('./roles/doctor.ts');
    return doctor(source());
  },
});
process.exit();

function source(): { env: Record<string, string | undefined>; cwd: string } {
  return { env: process.env, cwd: process.cwd() };
}
