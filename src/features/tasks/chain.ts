import type { App } from '../../app.ts';
import type { ModelCall, RunningCall } from '../../app/gateway.ts';
import type { FinishReason, ModelEvent } from '../../core/events.ts';
import { combinedCall, noteCombined } from '../../http/combined-call.ts';
import { cutOff } from '../../http/structured-answer.ts';

/** A part of a long answer: the text that stands around it, and the call that writes it. */
export type Part = { readonly before: string; readonly call: ModelCall; readonly after: string };

/** Several calls as one answer, each started when the one before it is over. Starts the first, so that its failure has a status. */
export async function chain(app: Pick<App, 'gateway'>, parts: readonly [Part, ...Part[]]): Promise<RunningCall> {
  const [firstPart, ...rest] = parts;
  const first = await app.gateway.run(firstPart.call);
  const calls: [RunningCall, ...RunningCall[]] = [first];

  async function* events(): AsyncGenerator<readonly ModelEvent[]> {
    yield [{ type: 'start', model: first.model }];
    let finishReason = yield* part(firstPart, first);
    for (const next of rest) {
      if (finishReason !== 'stop') break;
      const running = await app.gateway.run(next.call);
      calls.push(running);
      finishReason = yield* part(next, running);
    }
    const { usage } = combined.receipt();
    noteCombined(firstPart.call.logFields, combined, calls.length);
    yield [
      { type: 'usage', usage },
      { type: 'end', finishReason },
    ];
  }
  const combined = combinedCall(calls, events());
  return combined;
}

/** The text of one part without white space around it: that is the original's, which stands in `before` and `after`. */
async function* part({ before, after }: Part, running: RunningCall): AsyncGenerator<readonly ModelEvent[], FinishReason> {
  if (before !== '') yield [{ type: 'text-delta', text: before }];
  let started = false;
  let held = '';
  let finishReason: FinishReason = 'stop';
  for await (const batch of running.events) {
    let text = '';
    for (const event of batch) {
      if (event.type === 'text-delta' || event.type === 'refusal-delta') text += event.text;
      else if (event.type === 'end') finishReason = event.finishReason;
    }
    const whole = held + (started || held !== '' ? text : text.trimStart());
    const said = whole.trimEnd();
    held = whole.slice(said.length);
    if (said === '') {
      if (!started) held = '';
      continue;
    }
    started = true;
    yield [{ type: 'text-delta', text: said }];
  }
  // What was sent cannot be taken back and split further: half a translation must not pass for a whole one.
  if (finishReason === 'length') throw cutOff(running);
  if (after !== '' && finishReason === 'stop') yield [{ type: 'text-delta', text: after }];
  return finishReason;
}
