import { z } from 'zod';
import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import { RootReply } from '../../contract/health.ts';
import { VERSION } from '../../contract/version.ts';
import { type Exchange, type Reply, type ReplySpec, type Route, route } from '../../http/route.ts';
import { type Assets, readAssets } from './assets.ts';
import { createDocument } from './document.ts';
import { homePage } from './home-page.ts';
import { redocPage, swaggerPage } from './reference-pages.ts';
import { fileReply, storedFile } from './stored-file.ts';

const AssetParams = z.strictObject({ file: z.string() });
type AssetExchange = Exchange<z.output<typeof AssetParams>>;

/** Swagger UI and ReDoc write style attributes and elements; scripts come from here alone, and nothing goes anywhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "worker-src blob: 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');
const PAGE_HEADERS = { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', 'cache-control': 'no-cache' };
const HTML = 'text/html; charset=utf-8';

/** The document of these routes and the pages around it. */
export function docsRoutes(routes: readonly Route[]): readonly Route[] {
  let reading: Promise<Assets> | null = null;
  // Read when the first page is asked for: a service that nobody looks at holds no megabytes of scripts.
  const assets = (): Promise<Assets> => (reading ??= readAssets());
  const root = rootRoute(assets);
  const document = createDocument([...routes, root]);
  const docs = (path: Route['path'], summary: string, handle: Route['handle']): Route =>
    route({ method: 'GET', path, summary, tag: 'Docs', scope: 'public', replies: PAGE, handle });
  return [
    root,
    docs('/openapi.json', 'The OpenAPI document', (app, exchange) => fileReply(exchange, document(app), { 'cache-control': 'no-cache' })),
    docs('/docs', 'Swagger UI', async (app, exchange) => pageReply(exchange, swaggerPage(await assets(), app.config().settings.appName))),
    docs('/redoc', 'ReDoc', async (app, exchange) => pageReply(exchange, redocPage(await assets(), app.config().settings.appName))),
    route({
      method: 'GET',
      path: '/docs/assets/{file}',
      summary: 'Scripts and styles of the pages',
      tag: 'Docs',
      scope: 'public',
      params: AssetParams,
      replies: PAGE,
      handle: async (_app, exchange: AssetExchange) => assetReply(exchange, await assets()),
    }),
  ];
}

const PAGE: readonly ReplySpec[] = [
  { status: 200, description: 'What is asked for.', type: 'text/html' },
  { status: 304, description: 'It has not changed.', type: 'text/html' },
];

function rootRoute(assets: () => Promise<Assets>): Route {
  return route({
    method: 'GET',
    path: '/',
    summary: 'What this is',
    description: 'A browser gets a page.',
    tag: 'Health',
    scope: 'public',
    replies: [
      { status: 200, description: 'Name, version and where the docs are.', type: 'application/json', schema: RootReply },
      { status: 200, description: 'With `Accept: text/html`: a page.', type: 'text/html' },
    ],
    handle: async (app, exchange) =>
      exchange.request.headers.get('accept')?.includes('text/html')
        ? home(app, exchange, await assets())
        : { headers: { vary: 'accept, origin' }, json: rootReply(app) },
  });
}

function rootReply(app: App): z.input<typeof RootReply> {
  return { status: 'ok', name: app.config().settings.appName, version: VERSION, docs: '/docs' };
}

function home(app: App, exchange: Exchange, assets: Assets): Reply {
  const { settings, providers, allowAnonymous } = app.config();
  const { facts, provider } = app.gateway.resolve(undefined);
  const html = homePage(assets, {
    appName: settings.appName,
    version: VERSION,
    origin: new URL(exchange.request.url).origin,
    model: facts.id,
    provider,
    builtInModel: providers.get(provider)?.origin === null,
    allowAnonymous,
  });
  return { headers: { ...PAGE_HEADERS, 'content-type': HTML, vary: 'accept, origin' }, text: html };
}

function pageReply(exchange: Exchange, html: string): Promise<Reply> {
  return fileReply(exchange, storedFile(HTML, html), PAGE_HEADERS);
}

function assetReply(exchange: AssetExchange, assets: Assets): Promise<Reply> {
  const file = assets.find(exchange.params.file);
  if (!file) throw new AppError('NOT_FOUND', { message: 'The docs have no such file' });
  return fileReply(exchange, file, { 'cache-control': 'public, max-age=31536000, immutable' });
}
