import { describe, expect, test } from 'bun:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { readAssets } from './assets.ts';
import { homePage, type HomeParts } from './home-page.ts';
import { redocPage, swaggerPage } from './reference-pages.ts';
import { acceptedEncoding, fileReply, type StoredFile, storedFile } from './stored-file.ts';

const assets = await readAssets();
const HOME: HomeParts = {
  appName: 'Sluice',
  version: '1.2.3',
  origin: 'http://localhost:8000',
  model: 'some-model',
  provider: 'somebody',
  builtInModel: false,
  allowAnonymous: true,
};

function exchange(headers: Record<string, string>): { request: Request } {
  return { request: new Request('http://localhost/', { headers }) };
}

async function sent(file: StoredFile, encoding: string): Promise<Uint8Array> {
  return Buffer.from((await fileReply(exchange({ 'accept-encoding': encoding }), file, {})).text ?? '');
}

describe('the encoding of a file', () => {
  const cases: readonly [string | null, 'br' | 'gzip' | null][] = [
    [null, null],
    ['', null],
    ['identity', null],
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['br;q=0.000, gzip;q=0', null],
    ['*', 'br'],
    ['*;q=0, gzip', 'gzip'],
    ['GZIP', 'gzip'],
  ];
  for (const [header, encoding] of cases) {
    test(`is ${encoding ?? 'none'} for ${header === null ? 'no header' : `"${header}"`}`, () => expect(acceptedEncoding(header)).toBe(encoding));
  }
});

describe('a stored file', () => {
  const text = 'water '.repeat(1000);
  const file = storedFile('text/plain', text);

  test('is the same in each encoding', async () => {
    expect(brotliDecompressSync(await sent(file, 'br')).toString()).toBe(text);
    expect(gunzipSync(await sent(file, 'gzip')).toString()).toBe(text);
    expect(Buffer.from(await sent(file, 'identity')).toString()).toBe(text);
  });
  test('is compressed once', async () => expect(await file.bytes('br')).toBe(await file.bytes('br')));
  test('is not sent to who has it', async () => {
    const first = await fileReply(exchange({}), file, {});
    const etag = first.headers?.['etag'] ?? '';
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      expect(await fileReply(exchange({ 'if-none-match': known }), file, {})).toMatchObject({ status: 304, headers: { etag } });
    }
    expect((await fileReply(exchange({ 'if-none-match': 'W/"other"' }), file, {})).status).toBeUndefined();
  });
});

describe('the pages', () => {
  const pages = { home: homePage(assets, HOME), docs: swaggerPage(assets, 'Sluice'), redoc: redocPage(assets, 'Sluice') };

  for (const [name, html] of Object.entries(pages)) {
    test(`${name} name only assets that there are`, () => {
      const named = [...html.matchAll(/docs\/assets\/([^"]+)"/g)].map(([, file = '']) => file);
      expect(named.length).toBeGreaterThan(1);
      expect(named.filter((file) => assets.find(file) === undefined)).toEqual([]);
    });
    test(`${name} has no script or style of its own, and nothing of another host`, () => {
      expect(html).not.toMatch(/<script(?! src="docs\/)|<style|\son\w+=|(src|href)="(https?:)?\/\//);
    });
  }
  test('escape a name that is HTML', () => {
    for (const html of [homePage(assets, { ...HOME, appName: '<b>"&' }), swaggerPage(assets, '<b>"&'), redocPage(assets, '<b>"&')]) {
      expect(html).toContain('&lt;b&gt;&quot;&amp;');
      expect(html).not.toContain('<b>');
    }
  });
  test("escape the caller's own Host header", () => expect(homePage(assets, { ...HOME, origin: "http://x'<img>" })).not.toContain('<img>'));
});

describe('the home page', () => {
  test('says that the demo model answers, and how to get real answers', () => {
    const html = homePage(assets, { ...HOME, model: 'demo', builtInModel: true });
    expect(html).toContain('The built-in <code>demo</code> model');
    expect(html).toContain('OPENAI_API_KEY');
  });
  test('names the model that answers', () => {
    const html = homePage(assets, HOME);
    expect(html).toContain('<code>some-model</code> by somebody');
    expect(html).not.toContain('OPENAI_API_KEY');
  });
  test('shows how to sign in first where the anonymous may not call, and does not tell them the model', () => {
    const html = homePage(assets, { ...HOME, allowAnonymous: false });
    expect(html).toContain('/auth/login');
    expect(html).toContain('Authorization: Bearer $TOKEN');
    expect(html).not.toContain('some-model');
  });
});

describe('the assets', () => {
  test('have a new name when their content is new, so that they may be kept for ever', () => {
    expect(assets.path('home.css')).toMatch(/^docs\/assets\/home\.[0-9a-f]{16}\.css$/);
  });
  test('are only those of the list', () => {
    for (const file of ['home.css', '../routes.ts', '..%2froutes.ts', '/etc/passwd', '']) expect(assets.find(file)).toBeUndefined();
  });
  test("do not name the host of ReDoc's logo", async () => {
    const redoc = assets.find(assets.path('redoc.js').slice('docs/assets/'.length));
    expect(Buffer.from((await redoc?.bytes(null)) ?? '').includes('cdn.redoc.ly')).toBe(false);
  });
});
