import { parseArgs } from 'node:util';
import { startFakeUpstream } from './server.ts';

/** The fake in a process of its own: `bun test/fake-upstream/main.ts --port 4010`. Says its address on the first line. */
const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, hostname: { type: 'string', default: '127.0.0.1' }, 'calls-kept': { type: 'string', default: '20000' } },
});
const fake = await startFakeUpstream({ port: Number(values.port), hostname: values.hostname, callsKept: Number(values['calls-kept']) });
console.log(fake.url);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    fake.stop();
    process.exit(0);
  });
}
