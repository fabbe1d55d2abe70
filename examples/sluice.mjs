/**
 * Sluice with nothing but fetch: an answer, a stream, a ready task behind a sign-in, and a template.
 *
 *   SLUICE_URL=http://127.0.0.1:8000 SLUICE_PASSWORD=… node examples/sluice.mjs
 */
const url = (process.env.SLUICE_URL ?? 'http://127.0.0.1:8000').replace(/\/$/, '');
const username = process.env.SLUICE_USERNAME ?? 'admin';
const password = process.env.SLUICE_PASSWORD;
if (!password) throw new Error('SLUICE_PASSWORD is needed: the password of the first user, printed once by the first start, or your ADMIN_PASSWORD');

console.log('# An answer');
const answer = await ask('/generate', { prompt: 'Say hello in one sentence.' });
console.log(answer.response, `(${answer.model}, ${answer.usage.total_tokens} tokens, ${answer.cost_usd} USD)`);

console.log('# The same, piece by piece');
for await (const { event, text } of stream('/generate?stream=true', { prompt: 'Count to five.' })) {
  if (event === 'message') process.stdout.write(text);
  else if (event === 'done') console.log(`\n(finished: ${JSON.parse(text).finish_reason})`);
  else if (event === 'error') throw new Error(`the stream broke off: ${text}`);
}

console.log('# Sign in, then a task');
const { access_token: token } = await ask('/auth/login', { username, password });
const { intros } = await ask('/api/generate-intro', { script: 'Today we build a kite from paper and string.', tone: 'cheerful', count: 2 }, token);
for (const intro of intros) console.log('-', intro);

console.log('# A template');
const translated = await ask('/api/v1/generate', { template_id: 'translate_v1', input: 'Good morning', parameters: { target_language: 'French' } }, token);
console.log(translated.output);

async function ask(path, body, bearer) {
  const response = await call(path, body, bearer);
  return response.json();
}

async function call(path, body, bearer) {
  const headers = { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) };
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (response.ok) return response;
  // Every error of Sluice has this form.
  const { error } = await response.json();
  throw new Error(`${error.status} ${error.code}: ${error.message} (request ${error.request_id})`);
}

/** The Server-Sent Events of an answer. */
async function* stream(path, body) {
  const response = await call(path, body);
  let rest = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replace(/^ /, '')]);
      const lines = fields.filter(([name]) => name === 'data').map(([, value]) => value);
      if (lines.length > 0) yield { event: fields.find(([name]) => name === 'event')?.[1] ?? 'message', text: lines.join('\n') };
    }
  }
}
