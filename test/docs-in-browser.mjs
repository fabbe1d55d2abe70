/**
 * Opens pages of a running service in the system's Chromium, under Node because Playwright hangs under Bun on some systems, and prints as one
 * line of JSON what it saw: `node test/docs-in-browser.mjs <url of the service> <user name> <password>`.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base = '', username = '', password = ''] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (executablePath === undefined) throw new Error('There is no Chromium on this machine');
const FLAGS = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update', 'disable-sync'];

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: FLAGS.map((flag) => `--${flag}`),
  acceptDownloads: false,
});
try {
  const pages = { home: await look('/', home), docs: await look('/docs', docs), redoc: await look('/redoc', redoc) };
  console.log(JSON.stringify(pages));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}

/** What went wrong on a page, and what `use` found on it. */
async function look(path, use) {
  const page = await context.newPage();
  const seen = { foreign: [], console: [], failed: [], found: {} };
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== base) seen.foreign.push(request.url().slice(0, 200));
  });
  page.on('console', (message) => {
    // A refusal by the page's policy comes as an error too.
    if (message.type() === 'error' || message.type() === 'warning') seen.console.push(message.text().slice(0, 500));
  });
  page.on('pageerror', (error) => seen.console.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400) seen.failed.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(base + path, { waitUntil: 'networkidle' });
  seen.found = await use(page);
  await page.close();
  return seen;
}

async function home(page) {
  return {
    title: await page.title(),
    links: await page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
    command: await page.locator('pre').innerText(),
    iconIsShown: await page.locator('header img').evaluate((image) => image.naturalWidth > 0),
  };
}

async function docs(page) {
  await page.locator('.opblock').first().waitFor();
  const operations = await page.locator('.opblock').count();
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  const form = page
    .locator('.auth-container')
    .filter({ hasText: 'tokenUrl' })
    .or(page.locator('.auth-container').filter({ hasText: 'Token URL' }));
  await form.locator('input[name=username], #oauth_username').fill(username);
  await form.locator('input[name=password], #oauth_password').fill(password);
  await form.getByRole('button', { name: 'Apply given OAuth2 credentials' }).click();
  await form.getByRole('button', { name: 'Remove authorization' }).waitFor();
  await page.getByRole('button', { name: 'Close' }).first().click();
  const me = page.locator('#operations-Sign-in-getAuthMe');
  await me.locator('.opblock-summary').click();
  await me.getByRole('button', { name: 'Execute' }).click();
  const status = await me.locator('.live-responses-table .response .response-col_status').first().innerText();
  return { operations, signedInStatus: status.trim().slice(0, 3) };
}

async function redoc(page) {
  await page.locator('[data-section-id^="tag/"]').first().waitFor();
  // Each operation is there once by itself and once below its tag.
  const operations = await page.locator('[data-section-id^="tag/"][data-section-id*="/operation/"]').count();
  // Its search runs in a worker, which the policy has to allow.
  await page.getByPlaceholder('Search').fill('summarise');
  await page.locator('[data-role="search:results"] li').first().waitFor();
  return { operations };
}
