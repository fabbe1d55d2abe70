import { readBody } from './asked.ts';
import { type CallCounts, type CallLog, callLog, type OpenCall } from './call-log.ts';
import { type ConnectionCounts, type HttpRequest, listen, type Wire } from './connection.ts';
import { answerControl, type FakeControl } from './control.ts';
import { type JsonObject, parseJson } from './json.ts';
import { plainBytes, plan } from './plan.ts';
import { play } from './play.ts';
import { refused, type Reply, vendorOf } from './reply.ts';
import { type Matched, type Rule, type RuleBook, ruleBook } from './rule.ts';
import { replyTo } from './routes.ts';
import { newStore, type Store } from './store.ts';

/** A scripted OpenAI and Anthropic server on loopback. Test equipment: it is shipped in no image. */
export type FakeUpstream = FakeControl & {
  /** With `/v1`, as an OpenAI client wants it. */
  readonly url: string;
  readonly origin: string;
  /** Resolves as soon as the calls satisfy the condition. */
  readonly until: CallLog['until'];
  readonly stop: () => void;
};

export type FakeOptions = {
  readonly port?: number;
  readonly hostname?: string;
  /** Every other key is answered with 401. */
  readonly apiKey?: string;
  /** How many calls are remembered; the counts go on. */
  readonly callsKept?: number;
};

export type Counts = CallCounts & { readonly connections: Readonly<ConnectionCounts> };

type Inside = { readonly options: FakeOptions; readonly rules: RuleBook; readonly log: CallLog; store: Store };
const NO_RULE: Rule = {};

export function startFakeUpstream(options: FakeOptions = {}): Promise<FakeUpstream> {
  const { hostname = '127.0.0.1', port = 0, callsKept = 20_000 } = options;
  const inside: Inside = { options, rules: ruleBook(), log: callLog(callsKept), store: newStore() };
  const listening = listen({ hostname, port }, (request, wire) => {
    if (request.path.startsWith('/__fake/')) answerControl(control, request, wire);
    else answerCall(inside, request, wire);
  });
  const control: FakeControl = {
    calls: inside.log.calls,
    counts: () => ({ ...inside.log.counts(), connections: { ...listening.counts } }),
    script: (rules) => inside.rules.set(Array.isArray(rules) ? rules : [rules]),
    setBatches(lifecycle) {
      inside.store.lifecycle = lifecycle;
    },
    reset() {
      inside.rules.set([]);
      inside.store = newStore();
      inside.log.clear();
      listening.counts.peak = listening.counts.open;
      listening.counts.total = listening.counts.open;
    },
  };
  const origin = `http://${hostname}:${listening.port}`;
  return Promise.resolve({ ...control, origin, url: `${origin}/v1`, until: inside.log.until, stop: listening.stop });
}

function answerCall(inside: Inside, request: HttpRequest, wire: Wire): void {
  const bodyText = isText(request) ? request.body.toString() : '';
  const body = bodyText === '' ? null : readBody(bodyText);
  const matched = match(inside, request, bodyText, body);
  const call = inside.log.open(request, { bodyText, body: body ?? parseJson(bodyText), rule: matched?.index ?? null });
  const rule = matched?.rule ?? NO_RULE;
  wire.whenClosed(() => {
    call.closedByClientAt = performance.now();
    inside.log.over(call);
  });
  const perform = (reply: Reply): void => performCall({ inside, call, rule, wire }, reply);
  if (!isAllowed(request, inside.options.apiKey)) return perform(refused(vendorOf(request.path), 401));
  const ruleFor = (path: string, line: JsonObject): Rule => match(inside, { method: 'POST', path }, JSON.stringify(line), line)?.rule ?? NO_RULE;
  const reply = replyTo({ request, body, rule, store: inside.store, ruleFor });
  if (reply instanceof Promise) void reply.then(perform);
  else perform(reply);
}

type Performing = { readonly inside: Inside; readonly call: OpenCall; readonly rule: Rule; readonly wire: Wire };

function performCall({ inside, call, rule, wire }: Performing, reply: Reply): void {
  const framing = { rule, vendor: vendorOf(call.path), requestId: `req_fake_${call.index}` };
  if (rule !== NO_RULE || reply.kind === 'stream') {
    // A stalled call is over when its caller gives up.
    void play(wire, plan(reply, framing), rule, call).then((outcome) => outcome === 'over' && inside.log.over(call));
    return;
  }
  // The whole of what most benchmarks ask for: no plan, no promise.
  void wire.send(plainBytes(reply, framing));
  call.headAt = performance.now();
  call.endedAt = call.headAt;
  wire.done();
  inside.log.over(call);
}

type Head = Pick<HttpRequest, 'method' | 'path'> & Partial<Pick<HttpRequest, 'headers'>>;

function match({ rules }: Inside, { method, path, headers = {} }: Head, bodyText: string, body: JsonObject | null): Matched | null {
  if (rules.isEmpty()) return null;
  const model = body?.['model'];
  const key = headers['x-api-key'] ?? headers['authorization']?.replace(/^Bearer /, '') ?? null;
  return rules.match({ method, path, bodyText, key, model: typeof model === 'string' ? model : null, stream: body?.['stream'] === true });
}

function isText(request: HttpRequest): boolean {
  return !(request.headers['content-type'] ?? '').startsWith('multipart/');
}

function isAllowed(request: HttpRequest, apiKey: string | undefined): boolean {
  return apiKey === undefined || request.headers['x-api-key'] === apiKey || request.headers['authorization'] === `Bearer ${apiKey}`;
}
