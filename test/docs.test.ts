import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { ADMIN, call, type Sluice, startSluice } from './harness.ts';

/** The pages of the service in a real browser, and what they are made of. */
let sluice: Sluice;
beforeAll(async () => {
  sluice = await startSluice();
});
afterAll(() => sluice.stop());

type Document = { readonly openapi: string; readonly paths: Record<string, Record<string, { readonly operationId: string }>> };
type Seen<Found> = { readonly foreign: string[]; readonly console: string[]; readonly failed: string[]; readonly found: Found };
type Visit = {
  readonly home: Seen<{ title: string; links: string[]; command: string; iconIsShown: boolean }>;
  readonly docs: Seen<{ operations: number; signedInStatus: string }>;
  readonly redoc: Seen<{ operations: number }>;
};

const NOTHING_WRONG = { foreign: [], console: [], failed: [] };

async function documentOf(): Promise<Document> {
  return (await call<Document>(`${sluice.url}/openapi.json`)).json;
}

describe('GET /', () => {
  test('answers a program in JSON', async () => {
    const answer = await call(`${sluice.url}/`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ status: 'ok', name: 'Sluice', version: expect.any(String), docs: '/docs' });
  });
  test('answers a browser with a page', async () => {
    const answer = await call(`${sluice.url}/`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('vary')).toContain('accept');
    expect(answer.text).toContain('<h1>Sluice</h1>');
  });
});

describe('GET /openapi.json', () => {
  test('is OpenAPI 3.1 with every operation named once', async () => {
    const document = await documentOf();
    expect(document.openapi).toMatch(/^3\.1\./);
    const names = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
  });
  test('is sent once to who keeps it', async () => {
    const etag = (await call(`${sluice.url}/openapi.json`)).headers.get('etag') ?? '';
    const again = await call(`${sluice.url}/openapi.json`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.text).toBe('');
  });
});

describe('the pages in a browser', () => {
  let visit: Visit;
  beforeAll(async () => {
    visit = await inBrowser(sluice.url);
  });

  test('/ tells what to do first and where to go on', () => {
    expect(visit.home).toMatchObject({ ...NOTHING_WRONG, found: { title: 'Sluice', iconIsShown: true, links: ['docs', 'redoc', 'openapi.json', 'health'] } });
    expect(visit.home.found.command).toContain(`curl -N '${sluice.url}/generate?stream=true'`);
  });
  test('/docs shows every operation and signs in, with no request to another host and nothing refused by its policy', async () => {
    expect(visit.docs).toEqual({ ...NOTHING_WRONG, found: { operations: await operationsIn(), signedInStatus: '200' } });
  });
  test('/redoc shows every operation, with no request to another host and nothing refused by its policy', async () => {
    expect(visit.redoc).toEqual({ ...NOTHING_WRONG, found: { operations: await operationsIn() } });
  });
});

async function operationsIn(): Promise<number> {
  return Object.values((await documentOf()).paths).flatMap((methods) => Object.keys(methods)).length;
}

async function inBrowser(url: string): Promise<Visit> {
  const script = join(import.meta.dir, 'docs-in-browser.mjs');
  const child = Bun.spawn(['node', script, url, ADMIN.username, ADMIN.password], { stdout: 'pipe', stderr: 'pipe' });
  const [out, problems, exitCode] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (exitCode !== 0) throw new Error(`The browser was not driven to the end:\n${problems}`);
  return JSON.parse(out) as Visit;
}
