import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chat, type Failure, type Job, type JobsWorld, openJobsWorld, type Page, POST } from './jobs/world.ts';

/** What goes into jobs, in each form that it can have. */
let world: JobsWorld;
beforeAll(async () => {
  world = await openJobsWorld();
});
afterAll(() => world.stop());

function line(row: unknown): string {
  return JSON.stringify(row);
}

describe('requests', () => {
  const JSONL = [chat('a'), chat('b')].map((row) => JSON.stringify(row)).join('\n');
  test.each([
    ['a list', { json: [chat('a'), chat('b')] }],
    ['a list in an object', { json: { requests: [chat('a'), chat('b')] } }],
    ['JSONL', { ...POST, body: JSONL, type: 'application/jsonl' }],
    ['JSONL under its other name', { ...POST, body: `\ufeff${JSONL}\r\n\r\n`, type: 'application/x-ndjson; charset=utf-8' }],
    [
      "lines of OpenAI's batches",
      { ...POST, body: JSONL.replaceAll('"body"', '"method":"POST","url":"/v1/chat/completions","body"'), type: 'application/jsonl' },
    ],
    ['a table', { ...POST, body: 'custom_id,input\na,What is the capital of France?\r\nb,"What is the capital of France?"\n', type: 'text/csv' }],
  ])('come as %s', async (_how, init) => {
    const job = await world.make();
    const { status, json } = await world.ask(`/${job.id}/requests`, init);
    expect([status, json]).toEqual([201, { job_id: job.id, added: 2, total_requests: 2 }]);
    const listed = (await world.ask<Page<object>>(`/${job.id}/requests`)).json;
    expect(listed).toMatchObject({
      data: [
        { line: 1, status: 'waiting', retry_count: 0, ...chat('a') },
        { line: 2, ...chat('b') },
      ],
      total: 2,
      has_more: false,
    });
  });

  test('of a template come with input and parameters, and a table has columns for them', async () => {
    const job = await world.make({ template_id: 'summarize_v1' });
    const table = 'Ticket,max_words,Nr,Remark\n"The gate, it did not lift",20,t-1,"kept, as it is"\nIt rained,,t-2,\n';
    expect((await world.ask(`/${job.id}/requests`, { json: [{ custom_id: 'x', input: 'A text', parameters: { max_words: 9 } }] })).status).toBe(201);
    const { status, text } = await world.ask(`/${job.id}/requests?map=Ticket:input,Nr:custom_id`, { ...POST, body: table, type: 'text/csv' });
    expect([status, JSON.parse(text)]).toEqual([201, { job_id: job.id, added: 2, total_requests: 3 }]);
    const { data } = (await world.ask<Page<{ custom_id: string; body: object }>>(`/${job.id}/requests?page=2&page_size=1`)).json;
    expect(data).toMatchObject([{ custom_id: 't-1', body: { input: 'The gate, it did not lift', parameters: { max_words: 20 } } }]);

    await world.run(job);
    const merged = await world.ask(`/${job.id}/responses?format=merged`);
    const [head, , second, third] = merged.text.split('\r\n');
    expect(head).toBe('Ticket,max_words,Nr,Remark,output,status,error,tokens,cost');
    expect(second).toStartWith('"The gate, it did not lift",20,t-1,"kept, as it is",');
    expect(third).toStartWith('It rained,,t-2,,');
    expect(third).toContain(',completed,');
  });

  test.each([
    ['a list with one that is empty', { json: [chat('a'), { custom_id: 'b', body: {} }] }, 'MISSING_REQUIRED_FIELD', 2, 'requests[1].body.messages'],
    ['one of another type', { json: { requests: [chat('a'), { custom_id: 'b', body: { messages: 'hi' } }] } }, 'INVALID_TYPE', 2, 'requests[1].body.messages'],
    ['one without a name', { json: [{ body: { messages: [] } }] }, 'MISSING_REQUIRED_FIELD', 1, 'requests[0].custom_id'],
    ['one of two lines for a name', { json: [chat('a\nb')] }, 'INVALID_VALUE', 1, 'requests[0].custom_id'],
    ['one that is none', { json: [chat('a'), 7] }, 'INVALID_TYPE', 2, 'requests[1]'],
    ['a field that nobody knows', { json: [{ ...chat('a'), priority: 1 }] }, 'INVALID_VALUE', 1, 'requests[0].priority'],
    [
      'a stream',
      { json: [{ custom_id: 'a', body: { messages: [{ role: 'user', content: 'hi' }], stream: true } }] },
      'INVALID_VALUE',
      1,
      'requests[0].body.stream',
    ],
    ['an input without a template', { json: [{ custom_id: 'a', input: 'hi' }] }, 'INVALID_VALUE', 1, 'requests[0].input'],
    ['a line that is no JSON', { ...POST, type: 'application/jsonl', body: `${line(chat('a'))}\n\n{"custom_id"` }, 'INVALID_JSON', 3, null],
    [
      'a line for another place',
      { ...POST, type: 'application/jsonl', body: line({ ...chat('a'), url: '/v1/responses' }) },
      'INVALID_VALUE',
      1,
      'requests[0].url',
    ],
    ['a table with a line too short', { ...POST, type: 'text/csv', body: 'custom_id,input\na,hi\nb\n' }, 'INVALID_VALUE', 3, null],
    ['a table without an input', { ...POST, type: 'text/csv', body: 'custom_id,text\na,hi\n' }, 'INVALID_VALUE', 1, null],
    ['a table with an open quote', { ...POST, type: 'text/csv', body: 'custom_id,input\na,hi\nb,"ho\n' }, 'INVALID_VALUE', 3, null],
    ['a table of two columns with one name', { ...POST, type: 'text/csv', body: 'input,input\na,hi\n' }, 'INVALID_VALUE', 1, null],
  ])('with %s are refused, all of them, with the line', async (_what, init, ...[code, at, field]) => {
    const job = await world.make();
    const { status, json } = await world.ask<Failure>(`/${job.id}/requests`, init);
    expect([status, json.error.code, json.error.details['line'], json.error.field]).toEqual([422, code, at, field]);
    expect((await world.ask<Job>(`/${job.id}`)).json.total_requests).toBe(0);
  });

  test('tell all that is wrong with them at once', async () => {
    const job = await world.make();
    const { json } = await world.ask<Failure>(`/${job.id}/requests`, { ...POST, type: 'application/jsonl', body: `x\n${line(chat('a'))}\n{}\n` });
    expect(json.error.details['errors']).toMatchObject([
      { line: 1, field: null, code: 'INVALID_JSON' },
      { line: 3, field: 'requests[2].custom_id', code: 'MISSING_REQUIRED_FIELD' },
    ]);
  });

  test('have names of their own, in one call and in the job', async () => {
    const job = await world.makeWith([chat('a'), chat('b')]);
    const twice = await world.ask<Failure>(`/${job.id}/requests`, { json: [chat('c'), chat('d'), chat('c')] });
    expect([twice.status, twice.json.error.field, twice.json.error.details]).toEqual([
      409,
      'requests[2].custom_id',
      { custom_id: 'c', line: 3, first_line: 1 },
    ]);
    const again = await world.ask<Failure>(`/${job.id}/requests`, { json: [chat('e'), chat('b')] });
    expect([again.status, again.json.error.field, again.json.error.details]).toEqual([409, 'requests[1].custom_id', { custom_id: 'b', line: 2, request: 2 }]);
    expect((await world.ask<Job>(`/${job.id}`)).json.total_requests).toBe(2);
  });

  test('are added once for each Idempotency-Key, whatever they come as', async () => {
    const job = await world.make();
    const init = { ...POST, body: JSONL, type: 'application/jsonl', headers: { 'idempotency-key': `once-${job.id}` } };
    const [first, second] = [await world.ask(`/${job.id}/requests`, init), await world.ask(`/${job.id}/requests`, init)];
    expect([first.status, second.status, second.text, second.headers.get('idempotency-replayed')]).toEqual([201, 201, first.text, 'true']);
    const other = await world.ask<Failure>(`/${job.id}/requests`, { ...init, body: `${JSONL} ` });
    expect([other.status, other.json.error.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('are refused once the job was submitted', async () => {
    const job = await world.makeWith([chat('a')]);
    await world.ask(`/${job.id}/submit`, POST);
    const { status, json } = await world.ask<Failure>(`/${job.id}/requests`, { json: [chat('b')] });
    expect([status, json.error.code]).toEqual([409, 'CONFLICT']);
  });

  test('of other types are named what there is', async () => {
    const { status, json } = await world.ask<Failure>(`/${(await world.make()).id}/requests`, { ...POST, body: 'a', type: 'text/plain' });
    expect([status, json.error.details['supported']]).toEqual([415, ['application/json', 'application/jsonl', 'application/x-ndjson', 'text/csv']]);
  });
});
