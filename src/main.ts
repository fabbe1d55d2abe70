#!/usr/bin/env bun
import type { Local } from './cli/command-group.ts';
import { run } from './cli/program.ts';

/** What the commands that run in this process do. Each is loaded when it is called, and no sooner. */
export const local: Local = {
  env: process.env,
  serve: async ({ settings, json, worker }) => {
    const { serve } = await import('./roles/api.ts');
    await serve({ cwd: process.cwd(), env: { ...process.env, ...settings } }, { json, worker });
  },
  work: async (options) => {
    const { work } = await import('./roles/worker.ts');
    await work(source(), options);
  },
  processJobs: async () => {
    const { processJobs } = await import('./roles/worker.ts');
    await processJobs(source());
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
  models: async () => {
    const { modelShelf } = await import('./roles/models.ts');
    return modelShelf(source());
  },
};

if (import.meta.main) process.exit(await run(process.argv, local));

function source(): { env: Record<string, string | undefined>; cwd: string } {
  return { env: process.env, cwd: process.cwd() };
}
