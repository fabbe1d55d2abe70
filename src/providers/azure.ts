import { BOTH, CHAT_ONLY } from './built-in.ts';
import type { OpenaiOptions, Path } from './openai.ts';
import { joinUrl } from './upstream.ts';

/**
 * Where Azure OpenAI is asked, and how (https://learn.microsoft.com/azure/ai-foundry/openai/reference). Its models are deployments, under
 * names of one's own. With a dated version of its API they stand in the addresses, without one it is spoken to as OpenAI is.
 */
export function azureAddress(baseUrl: string, apiVersion: string | undefined): Pick<OpenaiOptions, 'baseUrl' | 'dialects' | 'keyHeader' | 'urlOf'> {
  const root = joinUrl(baseUrl.replace(/\/openai(\/v1)?\/?$/, ''), '/openai');
  if (apiVersion === undefined) return { baseUrl: joinUrl(root, '/v1'), dialects: BOTH, keyHeader: 'api-key' };
  const urlOf = (path: Path, model: string): string => {
    const url = new URL(joinUrl(root, ofDeployment(path) ? `/deployments/${encodeURIComponent(model)}${path}` : path));
    url.searchParams.set('api-version', apiVersion);
    return url.href;
  };
  return { baseUrl: root, dialects: CHAT_ONLY, keyHeader: 'api-key', urlOf };
}

function ofDeployment(path: Path): boolean {
  return path === '/chat/completions' || path === '/embeddings';
}
