import type { Exchange } from '../../http/route.ts';

/** Anthropic's SDKs read the id of a request here. */
export function requestIdOf({ requestId }: Exchange): Record<string, string> {
  return { 'request-id': requestId };
}
