import { z } from 'zod';
import { text } from './text.ts';

const at = z.iso.datetime();

const Breaker = z
  .strictObject({
    state: z.enum(['closed', 'open', 'probing']).describe('`open`: it failed too often in a row and is passed over; `probing`: one call is trying it.'),
    since: at.nullable().describe('When it came to be so; null where it has never been anything but closed.'),
    retry_in_ms: z.int().min(0).describe('Until a call may try it although another target is well; 0 where one may.'),
    failures_in_a_row: z.int().min(0),
  })
  .meta({ id: 'Breaker' });

const place = {
  provider: z.string(),
  model: z.string().describe('As the provider calls it.'),
};
const keyName = z.string().describe('Its name in the configuration, or its number and last letters; never the key.');
const health = {
  breaker: Breaker,
  rests_for_ms: z
    .int()
    .min(0)
    .describe('Until its key is used again: of several keys, one whose rate is used up, by the word of its provider or by its `rpm`; 0 where it is used.'),
  first_piece_ms: z
    .number()
    .min(0)
    .nullable()
    .describe('The middle of the times to the first piece of its latest answers, of five minutes; null where there are none.'),
};

export const ProviderList = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          id: z.string(),
          host: z.string().nullable().describe('Where calls to it go; null where that is nowhere, and for who is not signed in.'),
          dialects: z.array(z.string()).describe('What it speaks by itself: bodies in it go on as they came.'),
          models: z.int().min(0).describe('How many models of it are listed.'),
          open: z.boolean().describe('Whether others of its models can be called as `provider/model`.'),
          max_parallel: z.int().nullable().describe('Most calls to it at a time; null where there is no bound.'),
          keys: z
            .array(
              z
                .strictObject({
                  name: keyName,
                  weight: z.number().describe('How many of the calls it gets, beside the others.'),
                  rpm: z.int().nullable().describe('Most calls by it a minute; null where there is no bound.'),
                  max_parallel: z.int().nullable().describe('Most calls by it at a time; null where there is no bound.'),
                })
                .meta({ id: 'ProviderKey' }),
            )
            .nullable()
            .describe('Where it has several, or bounds for one; null where it has not, and for who is not signed in.'),
          targets: z
            .array(
              z
                .strictObject({
                  ...place,
                  key: keyName.nullable().describe('By which of its `keys`; null where there are none, and for who is not signed in.'),
                  ...health,
                  last_failure: z
                    .strictObject({
                      at,
                      fault: z.string().describe('`connect`, `timeout`, `failed`, `broken`, `rate_limited`, `unauthorized` or `rejected`.'),
                      status: z.int().nullable(),
                    })
                    .nullable(),
                  traffic: z
                    .strictObject({
                      calls: z.int().min(0).describe('Attempts since this process began.'),
                      failures: z.int().min(0).describe('Those of them that failed.'),
                      in_flight: z.int().min(0),
                    })
                    .nullable()
                    .describe('null for who is not signed in.'),
                })
                .omit({ provider: true })
                .meta({ id: 'ProviderTarget' }),
            )
            .describe('Its models that were called since this process began, each once for each of its keys.'),
        })
        .meta({ id: 'Provider' }),
    ),
    has_more: z.literal(false),
    next_cursor: z.null(),
  })
  .meta({ id: 'ProviderList' });
export type ProviderList = z.output<typeof ProviderList>;

const MESSAGES_MAX = 10_000;

export const RouteQuestion = z
  .strictObject({
    model: text(200).optional().describe('An alias, `provider/model`, or a known name; the default model where it is left out.'),
    messages: z
      .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
      .max(MESSAGES_MAX)
      .optional()
      .describe('What would be sent, as far as its length matters.'),
    max_tokens: z.int().min(1).max(1_000_000).optional().describe('The longest answer that would be asked for.'),
    tools: z.boolean().optional().describe('Whether the call would bring tools.'),
    images: z.boolean().optional().describe('Whether it would bring images.'),
    json_schema: z.boolean().optional().describe('Whether it would ask for an answer of a schema.'),
    session: text(512).optional().describe('The session that it would belong to.'),
  })
  .meta({ id: 'RouteQuestion' });
export type RouteQuestion = z.output<typeof RouteQuestion>;

export const RouteAnswer = z
  .strictObject({
    model: z.string().describe('The name that was asked for.'),
    strategy: z.enum(['weighted', 'cheapest', 'fastest', 'ordered']),
    sticky: z.boolean(),
    input_tokens: z.int().min(0).describe('Our estimate.'),
    candidates: z
      .array(
        z
          .strictObject({
            ...place,
            key: keyName.nullable().describe('By which of several keys; null where its provider has one.'),
            reason: z.enum(['only', 'session', 'drawn', 'weight', 'price', 'speed', 'untried', 'unmeasured', 'order', 'fallback']),
            why: z.string().describe('The same in words, with whether it would be passed over now.'),
            passed_over: z
              .enum(['open', 'full', 'resting'])
              .nullable()
              .describe(
                'Why others are tried before it now, whatever its place: it is not well, has as many calls as it may have, or the rate of its key is used up.',
              ),
            cost_usd: z.number().min(0).describe('What this call would cost there with `max_tokens` of answer, or 500 where that is left out.'),
            price_assumed: z.boolean().describe('No price is known: it is what `UNKNOWN_PRICE` says.'),
            ...health,
          })
          .meta({ id: 'RouteCandidate' }),
      )
      .describe('In the order in which they would be tried.'),
    left_out: z
      .array(
        z
          .strictObject({
            ...place,
            lacks: z.string().describe('`context`, or a capability of GET /api/v1/models.'),
            why: z.string(),
          })
          .meta({ id: 'RouteLeftOut' }),
      )
      .describe('What cannot do it, where another can.'),
  })
  .meta({ id: 'RouteAnswer' });
export type RouteAnswer = z.output<typeof RouteAnswer>;
