import type { ConfigFile, ProviderEntry } from '../contract/config-file.ts';
import type { Settings } from '../contract/settings.ts';
import { describeModel, OPENAI, vendorOf } from '../core/model-catalog.ts';
import type { ModelFacts, Provider } from '../core/provider.ts';
import { demo } from './demo.ts';
import { OPENAI_BASE_URL, type OpenaiDialect, openaiProvider } from './openai.ts';

/**
 * The upstreams of a configuration, in the order in which a bare model name is looked for: those that the environment names, those of the
 * file, the built-in demo. An entry of the file takes the place of the environment's provider of the same name, and then nothing of that one,
 * its key least of all, goes to the entry's address.
 */
export function buildProviders(settings: Pick<Settings, 'openaiApiKey' | 'openaiBaseUrl'>, file: Pick<ConfigFile, 'providers'>): Map<string, Provider> {
  const providers = new Map<string, Provider>();
  if (settings.openaiApiKey !== null || settings.openaiBaseUrl !== null) {
    providers.set(
      'openai',
      openaiProvider({
        id: 'openai',
        baseUrl: settings.openaiBaseUrl ?? OPENAI_BASE_URL,
        apiKey: settings.openaiApiKey,
        dialects: BOTH,
        models: OPENAI.models,
        open: true,
        describe: (model) => describeModel(model, OPENAI),
      }),
    );
  }
  for (const [id, entry] of Object.entries(file.providers)) {
    if (id === demo.id) throw new Error(`providers.${id}: "${id}" is the built-in provider; give this one another name`);
    providers.set(id, providerOfEntry(id, entry));
  }
  providers.set(demo.id, demo);
  return providers;
}

type Dialects = readonly [OpenaiDialect, ...OpenaiDialect[]];
/** Chat completions come first, since they cost both sides less; who wants the Responses API says so in the request. */
const BOTH: Dialects = ['openai-chat', 'openai-responses'];
const CHAT_ONLY: Dialects = ['openai-chat'];

/** OpenAI's prices are OpenAI's alone, and so on: a server of nobody whom we know costs what `prices` in the file says. */
function providerOfEntry(id: string, entry: ProviderEntry): Provider {
  const isOpenai = entry.kind === 'openai';
  const vendor = isOpenai ? OPENAI : vendorOf(id, new URL(entry.base_url).host);
  const describe = (model: string): ModelFacts => describeModel(model, vendor);
  const [first, ...others] = entry.dialects ?? (isOpenai ? BOTH : CHAT_ONLY);
  return openaiProvider({
    id,
    baseUrl: entry.base_url,
    apiKey: entry.api_key ?? null,
    dialects: first === undefined ? CHAT_ONLY : [first, ...others],
    models: isOpenai && entry.models.length === 0 ? OPENAI.models : entry.models.map(describe),
    open: true,
    describe,
    ...(entry.headers === undefined ? {} : { headers: entry.headers }),
    ...(entry.chat_path === undefined ? {} : { chatPath: entry.chat_path }),
  });
}
