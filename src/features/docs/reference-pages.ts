import type { Assets } from './assets.ts';
import { escapeHtml } from './html.ts';

/** The two pages that show the document: Swagger UI to try things out, ReDoc to read. */
export function swaggerPage(assets: Assets, appName: string): string {
  const head = `<link rel="stylesheet" href="${assets.path('swagger-ui.css')}">`;
  const body = `<main id="reference"></main>
<script src="${assets.path('swagger-ui.js')}"></script>
<script src="${assets.path('swagger-init.js')}"></script>`;
  return page(assets, { appName, current: 'docs', head, body });
}

export function redocPage(assets: Assets, appName: string): string {
  const body = `<main id="reference"></main>
<script src="${assets.path('redoc.js')}"></script>
<script src="${assets.path('redoc-init.js')}"></script>`;
  return page(assets, { appName, current: 'redoc', head: '', body });
}

type Parts = { readonly appName: string; readonly current: 'docs' | 'redoc'; readonly head: string; readonly body: string };

function page(assets: Assets, { appName, current, head, body }: Parts): string {
  const name = escapeHtml(appName);
  const link = (path: 'docs' | 'redoc', words: string): string => `<a href="${path}"${path === current ? ' aria-current="page"' : ''}>${words}</a>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} API</title>
<link rel="icon" type="image/svg+xml" href="${assets.path('icon.svg')}">
${head}<link rel="stylesheet" href="${assets.path('docs.css')}">
</head>
<body class="${current}">
<header class="bar">
<a class="home" href="."><img src="${assets.path('icon.svg')}" alt="" width="24" height="24">${name}</a>
<nav aria-label="Reference">${link('docs', 'Try it')}${link('redoc', 'Read')}<a href="openapi.json">openapi.json</a></nav>
</header>
${body}
<noscript><p>This page needs JavaScript. The document itself is at <a href="openapi.json">openapi.json</a>.</p></noscript>
</body>
</html>
`;
}
