import type { App } from '../../app.ts';
import type { EmbeddingsBody } from '../../contract/embeddings.ts';
import { callHeaders, costHeaders, gatewayCall } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { readEmbeddings } from '../../wire/embeddings-asked.ts';
import { embeddingsList } from '../../wire/embeddings-said.ts';

export async function embeddings(app: App, exchange: Exchange<undefined, unknown, EmbeddingsBody>): Promise<Reply> {
  const { asBase64, ...asked } = readEmbeddings(exchange.body);
  const call = await app.gateway.embed(gatewayCall(exchange, asked));
  const headers = { ...callHeaders(call), ...costHeaders(exchange, call, call.receipt()) };
  return { headers, json: embeddingsList(call.answer, { model: call.model, asBase64 }) };
}
