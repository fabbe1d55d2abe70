import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, type Sluice, signIn, startSluice } from './harness.ts';
import { CHATS, COMPLETIONS } from './vendor-documents/chat-calls.ts';
import { type DocumentName, type Exception, type VendorDocument, vendorDocument } from './vendor-documents/document.ts';
import { EXCEPTIONS } from './vendor-documents/exceptions.ts';
import { hearCall, type Heard, type Part } from './vendor-documents/hear.ts';
import { installDocuments } from './vendor-documents/install.ts';
import { MESSAGES } from './vendor-documents/messages-calls.ts';
import { OTHERS } from './vendor-documents/other-calls.ts';
import { RESPONSES } from './vendor-documents/responses-calls.ts';
import { EVENTS_SAID, type Kind, SAID } from './vendor-documents/schemas.ts';
import { hearStored } from './vendor-documents/stored-responses.ts';
import { RULES } from './vendor-documents/upstream-rules.ts';

/** Everything that /v1 says, whole and in events, held to the documents that the vendors publish. */
const CALLS = [...CHATS, ...COMPLETIONS, ...RESPONSES, ...MESSAGES, ...OTHERS];
const SETUP_LIMIT_MS = 300_000;

let upstream: FakeUpstream;
let sluice: Sluice;
let folder: string;
let texts: Readonly<Record<DocumentName, string>>;
const heard: Heard[] = [];

beforeAll(async () => {
  texts = await installDocuments();
  upstream = await startFakeUpstream();
  upstream.script([...RULES]);
  folder = mkdtempSync(join(tmpdir(), 'sluice-documents-'));
  const config = join(folder, 'sluice.config.yaml');
  writeFileSync(config, JSON.stringify({ providers: { house: { base_url: upstream.url, models: ['llama'] } } }));
  sluice = await startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
      ANTHROPIC_BASE_URL: upstream.origin,
      SLUICE_CONFIG: config,
      UPSTREAM_MAX_RETRIES: '0',
    },
  });
  const { key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'documents' }, headers: await signIn(sluice.url) })).json;
  const place = { url: sluice.url, key };
  for (const asked of CALLS) heard.push(...(await hearCall(place, asked)));
  heard.push(...(await hearStored(place)));
}, SETUP_LIMIT_MS);
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Documents = Readonly<Record<DocumentName, VendorDocument>>;

function documentsWith(exceptions: readonly Exception[]): Documents {
  const read = (name: DocumentName): VendorDocument =>
    vendorDocument(
      texts[name],
      exceptions.filter(({ document }) => document === name),
    );
  return { openai: read('openai'), 'open-responses': read('open-responses'), anthropic: read('anthropic') };
}

function faultsOf(documents: Documents, { schema, value }: Part): readonly string[] {
  return documents[schema.document].faults(schema.at, value);
}

describe('the documents of the vendors', () => {
  test.each(Object.keys(SAID) as Kind[])('know all that is said: %s', (kind) => {
    const ofKind = heard.filter((each) => each.kind === kind);
    expect(ofKind.length).toBeGreaterThan(0);
    expect(ofKind.flatMap(({ name, amiss }) => (amiss === null ? [] : [`${name}: ${amiss}`]))).toEqual([]);
    const documents = documentsWith(EXCEPTIONS);
    const faults = new Map<string, string[]>();
    for (const { name, parts } of ofKind) {
      for (const part of parts) for (const fault of faultsOf(documents, part)) faults.set(fault, [...(faults.get(fault) ?? []), name]);
    }
    expect([...faults].map(([fault, names]) => `${fault} · ${names.length} times, first in ${names[0]}`)).toEqual([]);
  });

  test.each(EXCEPTIONS.map((exception) => [`${exception.document} ${exception.at}`, exception] as const))('still need the exception %s', (_name, exception) => {
    const documents = documentsWith(EXCEPTIONS.filter((each) => each !== exception));
    const parts = heard.flatMap((each) => each.parts).filter(({ schema }) => schema.document === exception.document);
    expect(parts.some((part) => faultsOf(documents, part).length > 0)).toBe(true);
  });
});

test.each(Object.entries(EVENTS_SAID) as [Kind, readonly string[]][])('every event was said: %s', (kind, types) => {
  const said = new Set(
    heard.filter((each) => each.kind === kind).flatMap(({ parts }) => parts.map(({ value }) => (value as { readonly type?: unknown } | null)?.type)),
  );
  expect(types.filter((type) => !said.has(type))).toEqual([]);
});
