import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { CountTokensBody } from '../../contract/messages.ts';
import { estimateInputTokens } from '../../core/tokens.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { readMessages } from '../../wire/messages-asked.ts';
import { requestIdOf } from './request-id.ts';

/** What has a size of its own, and none that we could know: a document, a tool of Anthropic's. */
const UNCOUNTABLE = /^(?:system|messages\[\d+\]\.content|tools|mcp_servers)\b/;

/** Our own count, of what the model would be told. */
export function countTokens(app: App, exchange: Exchange<undefined, unknown, CountTokensBody>): Reply {
  const { body } = exchange;
  app.gateway.resolve(body.model);
  const { request, untold } = readMessages(body);
  const field = untold.find((path) => UNCOUNTABLE.test(path));
  if (field !== undefined) {
    throw new AppError('INVALID_VALUE', { field, message: `${field} cannot be counted here: leave it out, and count it apart`, details: { untold } });
  }
  return { headers: { ...requestIdOf(exchange), 'x-usage-estimated': 'true' }, json: { input_tokens: estimateInputTokens(request), context_management: null } };
}
