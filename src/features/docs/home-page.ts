import type { Assets } from './assets.ts';
import { escapeHtml } from './html.ts';

export type HomeParts = {
  readonly appName: string;
  readonly version: string;
  /** Where this browser reached us. */
  readonly origin: string;
  readonly model: string;
  readonly provider: string;
  /** Whether the default model runs without any provider: the one that comes with the service. */
  readonly builtInModel: boolean;
  readonly allowAnonymous: boolean;
};

const LINKS = [
  { path: 'docs', title: 'Try the API', words: 'Every route, with a form to call it' },
  { path: 'redoc', title: 'Read the API', words: 'The same as one long page' },
  { path: 'openapi.json', title: 'openapi.json', words: 'For generators, tests and Postman' },
  { path: 'health', title: 'Health', words: 'What works and what does not' },
];

/** What a browser sees at `/`. */
export function homePage(assets: Assets, parts: HomeParts): string {
  const name = escapeHtml(parts.appName);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name}</title>
<link rel="icon" type="image/svg+xml" href="${assets.path('icon.svg')}">
<link rel="stylesheet" href="${assets.path('home.css')}">
</head>
<body>
<main>
<header>
<img src="${assets.path('icon.svg')}" alt="" width="56" height="56">
<div>
<h1>${name}</h1>
<p class="state"><span class="dot" aria-hidden="true"></span>Running, version ${escapeHtml(parts.version)}</p>
</div>
</header>
<p class="lead">One address for language models: tasks, templates, streaming, cache, sign-in and the cost of every call, on your own machine.</p>
<section aria-labelledby="first">
<h2 id="first">The first call</h2>
${firstCall(parts)}
</section>
${whoAnswers(parts)}
<nav aria-label="Pages">
<ul>
${LINKS.map(({ path, title, words }) => `<li><a href="${path}"><strong>${title}</strong><span>${words}</span></a></li>`).join('\n')}
</ul>
</nav>
</main>
</body>
</html>
`;
}

function firstCall({ origin, allowAnonymous }: HomeParts): string {
  const login = [
    `TOKEN=$(curl -s ${origin}/auth/login -d username=admin --data-urlencode 'password=…' \\`,
    String.raw`  | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`,
  ];
  const call = [
    `curl -N '${origin}/generate?stream=true' \\`,
    ...(allowAnonymous ? [] : ['  -H "Authorization: Bearer $TOKEN" \\']),
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"prompt": "Write a haiku about a sluice gate"}'`,
  ];
  const lines = allowAnonymous ? call : [...login, ...call];
  return `<pre tabindex="0"><code>${escapeHtml(lines.join('\n'))}</code></pre>
<p>The answer appears word by word. Without <code>?stream=true</code> it comes in one piece, as JSON.</p>`;
}

/** Which models there are is for those who may call them. */
function whoAnswers({ model, provider, builtInModel, allowAnonymous }: HomeParts): string {
  if (!builtInModel && !allowAnonymous) return '';
  const named = `<p><code>${escapeHtml(model)}</code> by ${escapeHtml(provider)}, where a request names no other model. <a href="api/v1/models">What can be called</a></p>`;
  const builtIn = `<p>The built-in <code>${escapeHtml(model)}</code> model: free, always the same, and made to try things out. It says so in every text.</p>
<p>For real answers, write <code>OPENAI_API_KEY=…</code> into <code>.env</code> and start again, or run <code>bin/sluice models pull tinyllama</code>.</p>`;
  return `<section aria-labelledby="model" class="note">
<h2 id="model">Who answers</h2>
${builtInModel ? builtIn : named}
</section>`;
}
