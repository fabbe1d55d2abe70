import { expect, test } from 'bun:test';
import { createServer, type Server } from 'node:net';
import { ownDatabase } from './own-database.test.ts';
import { ping } from './ping.ts';

const database = ownDatabase();

function outcomeOf(answer: Promise<void>): Promise<string> {
  return answer.then(
    () => 'there',
    (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
  );
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a database that takes connections is there', async () => {
  expect(await outcomeOf(ping(database.pool.options, 5000))).toBe('there');
});

test('so is one whose connections are all taken: nobody logs in', async () => {
  expect(await outcomeOf(ping({ ...database.pool.options, user: 'nobody', database: 'nothing' }, 5000))).toBe('there');
});

test('time in which this process had no time to look does not count', async () => {
  const answer = outcomeOf(ping(database.pool.options, 200));
  Bun.sleepSync(400);
  expect(await answer).toBe('there');
});

test('one that takes the connection and says nothing is not there', async () => {
  const silent = createServer();
  const port = await listening(silent);
  const askedAt = performance.now();
  expect(await outcomeOf(ping({ host: '127.0.0.1', port }, 100))).toBe('no answer within 100 ms');
  expect(performance.now() - askedAt).toBeLessThan(5000);
  silent.close();
});

test('nor is one that hangs up, or that nobody listens for', async () => {
  const rude = createServer((socket) => socket.destroy());
  const port = await listening(rude);
  expect(await outcomeOf(ping({ host: '127.0.0.1', port }, 5000))).toMatch(/closed|ECONNRESET/);
  await new Promise((resolve) => {
    rude.close(resolve);
  });
  expect(await outcomeOf(ping({ host: '127.0.0.1', port }, 5000))).toMatch(/ECONNREFUSED|connect/);
});
