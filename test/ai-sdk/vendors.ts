import { type EventStreamMessage, eventStream } from '../aws-event-stream.ts';
import { type Peer, scriptedServer, type ScriptedServer } from '../scripted-server.ts';

/** A request as Bedrock or Vertex gets it. */
export type Asked = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};
export type Vendors = { readonly server: ScriptedServer; readonly asked: () => readonly Asked[] };

/** Bedrock and Vertex on loopback: what they answer follows from the words of the last message. */
export function startVendors(): Vendors {
  const requests: Asked[] = [];
  const server = scriptedServer({
    asked(raw, peer) {
      const request = parse(raw);
      requests.push(request);
      if (request.path.endsWith('/shout')) sayWhole(peer, `${OK}text/plain`, 'hello');
      else if (request.path.includes('aiplatform')) sayGemini(peer, request);
      else if (request.path.endsWith('/invoke')) sayJson(peer, 200, { embedding: [0.5, -0.25], inputTextTokenCount: 3 });
      else sayConverse(peer, request);
    },
  });
  return { server, asked: () => requests };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: ';
const USAGE = { inputTokens: 1000, outputTokens: 100, totalTokens: 1100 };
const CALLS = [
  { toolUseId: 'tooluse_1', name: 'get_weather', input: { city: 'Rome' } },
  { toolUseId: 'tooluse_2', name: 'get_weather', input: { city: 'Oslo' } },
];

function sayConverse(peer: Peer, { path, text }: Asked): void {
  if (text.includes('too much')) return sayJson(peer, 429, { message: 'Too many requests, please wait before trying again.' });
  const callsTools = text.includes('the weather') && !text.includes('toolResult');
  if (path.endsWith('/converse')) {
    const content = callsTools ? CALLS.map((toolUse) => ({ toolUse })) : [{ text: 'Hallo.' }];
    return sayJson(peer, 200, { output: { message: { role: 'assistant', content } }, stopReason: callsTools ? 'tool_use' : 'end_turn', usage: USAGE });
  }
  peer.say('HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n');
  sayMessages(peer, [{ event: 'messageStart', payload: { role: 'assistant' } }]);
  if (callsTools) sayMessages(peer, CALLS.flatMap(toolMessages));
  else sayMessages(peer, [words('Hal')]);
  if (text.includes('hang up')) return peer.reset();
  if (text.includes('never ends')) return undefined;
  if (!text.includes('break off')) {
    if (!callsTools) sayMessages(peer, [words('lo.'), { event: 'contentBlockStop', payload: { contentBlockIndex: 0 } }]);
    sayMessages(peer, [
      { event: 'messageStop', payload: { stopReason: callsTools ? 'tool_use' : 'end_turn' } },
      { event: 'metadata', payload: { usage: USAGE, metrics: { latencyMs: 9 } } },
    ]);
  }
  return peer.say('0\r\n\r\n');
}

function toolMessages({ toolUseId, name, input }: (typeof CALLS)[number], contentBlockIndex: number): readonly EventStreamMessage[] {
  return [
    { event: 'contentBlockStart', payload: { contentBlockIndex, start: { toolUse: { toolUseId, name } } } },
    { event: 'contentBlockDelta', payload: { contentBlockIndex, delta: { toolUse: { input: JSON.stringify(input) } } } },
    { event: 'contentBlockStop', payload: { contentBlockIndex } },
  ];
}

function words(text: string): EventStreamMessage {
  return { event: 'contentBlockDelta', payload: { contentBlockIndex: 0, delta: { text } } };
}

function sayMessages(peer: Peer, messages: readonly EventStreamMessage[]): void {
  const bytes = eventStream(messages);
  peer.say(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
}

function sayGemini(peer: Peer, { path }: Asked): void {
  const answer = {
    candidates: [{ content: { role: 'model', parts: [{ text: 'Hallo.' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 3, totalTokenCount: 15 },
    modelVersion: 'gemini-2.5-flash',
  };
  if (!path.includes('streamGenerateContent')) return sayJson(peer, 200, answer);
  return sayWhole(peer, `${OK}text/event-stream`, `data: ${JSON.stringify(answer)}\r\n\r\n`);
}

function sayJson(peer: Peer, status: number, body: object): void {
  sayWhole(peer, `HTTP/1.1 ${status} Said\r\ncontent-type: application/json`, JSON.stringify(body));
}

function sayWhole(peer: Peer, head: string, text: string): void {
  peer.say(`${head}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function parse(raw: string): Asked {
  const [head = '', text = ''] = raw.split(/\r\n\r\n(.*)/s);
  const [line = '', ...headers] = head.split('\r\n');
  return {
    path: line.split(' ')[1] ?? '',
    headers: Object.fromEntries(headers.map((header) => [header.slice(0, header.indexOf(':')).toLowerCase(), header.slice(header.indexOf(':') + 2)])),
    text,
    body: JSON.parse(text) as Readonly<Record<string, unknown>>,
  };
}
