/**
 * Every environment variable, once: a setting is one line here. Reading, `.env`, `*_FILE`, aliases, misspelling warnings,
 * `sluice config check`, docs/config.md and .env.example follow from this table.
 */
export type SettingKind = 'text' | 'secret' | 'integer' | 'number' | 'boolean' | 'rate' | 'list' | 'environment' | 'log_level' | 'url';

export type SettingRow = {
  readonly env: string;
  readonly aliases?: readonly string[];
  readonly kind: SettingKind;
  /** As it would be written in the environment; null where unset means something of its own. */
  readonly default: string | null;
  readonly min?: number;
  readonly max?: number;
  /** The address of a provider, which must not be our own. */
  readonly upstream?: true;
  /** Read at start only: a reload keeps the running value and says that a restart is needed. */
  readonly restart?: true;
  readonly doc: string;
};

export const SETTINGS = {
  apiHost: { env: 'API_HOST', kind: 'text', default: '127.0.0.1', restart: true, doc: 'Address to listen on; the image sets `0.0.0.0`.' },
  apiPort: { env: 'API_PORT', aliases: ['PORT'], kind: 'integer', default: '8000', min: 0, max: 65535, restart: true, doc: 'Port to listen on; 0 takes a free one.' },
  environment: { env: 'ENV', aliases: ['APP_ENV'], kind: 'environment', default: 'development', restart: true, doc: '`development` or `production`. Production refuses weak secrets, and anonymous access unless `ALLOW_ANONYMOUS=true`.' },
  debug: { env: 'DEBUG', kind: 'boolean', default: 'false', doc: 'Verbose logs, and prompt debug in answers.' },
  appName: { env: 'APP_NAME', kind: 'text', default: 'Sluice', doc: 'Shown in `/api/v1/status`, the docs and the console.' },
  logLevel: { env: 'APP_LOG_LEVEL', kind: 'log_level', default: 'INFO', restart: true, doc: '`DEBUG`, `INFO`, `WARNING` or `ERROR`.' },
  logPrompts: { env: 'LOG_PROMPTS', kind: 'boolean', default: 'false', doc: 'Write prompts and answers into the log. Off, the log never holds them.' },
  openaiApiKey: { env: 'OPENAI_API_KEY', kind: 'secret', default: null, doc: 'Key of the OpenAI provider.' },
  openaiBaseUrl: { env: 'OPENAI_BASE_URL', kind: 'url', default: null, upstream: true, doc: 'Address of the OpenAI provider, or of any server that speaks its API; usually ends in `/v1`.' },
  anthropicApiKey: { env: 'ANTHROPIC_API_KEY', kind: 'secret', default: null, doc: 'Key of the Anthropic provider.' },
  anthropicBaseUrl: { env: 'ANTHROPIC_BASE_URL', kind: 'url', default: null, upstream: true, doc: 'Address of the Anthropic provider, or of any server that speaks its Messages API.' },
  geminiApiKey: { env: 'GEMINI_API_KEY', kind: 'secret', default: null, doc: 'Key of the Google Gemini provider, which is called `google`.' },
  geminiBaseUrl: { env: 'GEMINI_BASE_URL', kind: 'url', default: null, upstream: true, doc: 'Address of the Google Gemini provider, where it speaks the OpenAI API.' },
  mistralApiKey: { env: 'MISTRAL_API_KEY', kind: 'secret', default: null, doc: 'Key of the Mistral provider.' },
  groqApiKey: { env: 'GROQ_API_KEY', kind: 'secret', default: null, doc: 'Key of the Groq provider.' },
  cohereApiKey: { env: 'COHERE_API_KEY', kind: 'secret', default: null, doc: 'Key of the Cohere provider.' },
  xaiApiKey: { env: 'XAI_API_KEY', kind: 'secret', default: null, doc: 'Key of the xAI provider.' },
  deepseekApiKey: { env: 'DEEPSEEK_API_KEY', kind: 'secret', default: null, doc: 'Key of the DeepSeek provider.' },
  openrouterApiKey: { env: 'OPENROUTER_API_KEY', kind: 'secret', default: null, doc: 'Key of the OpenRouter provider.' },
  togetherApiKey: { env: 'TOGETHER_API_KEY', kind: 'secret', default: null, doc: 'Key of the Together provider.' },
  fireworksApiKey: { env: 'FIREWORKS_API_KEY', kind: 'secret', default: null, doc: 'Key of the Fireworks provider.' },
  perplexityApiKey: { env: 'PERPLEXITY_API_KEY', kind: 'secret', default: null, doc: 'Key of the Perplexity provider.' },
  defaultModel: { env: 'DEFAULT_MODEL', aliases: ['OPENAI_MODEL', 'OPENAI_ENGINE'], kind: 'text', default: null, doc: 'Model of a request that names none: `gpt-4o-mini` where there is an OpenAI provider, else the cheapest that the first other one lists, else `demo`.' },
  defaultTemperature: { env: 'DEFAULT_TEMPERATURE', aliases: ['OPENAI_TEMPERATURE'], kind: 'number', default: '0.7', min: 0, max: 2, doc: 'Temperature of a request that names none.' },
  defaultMaxTokens: { env: 'DEFAULT_MAX_TOKENS', aliases: ['OPENAI_MAX_TOKENS'], kind: 'integer', default: '1000', min: 1, max: 16384, doc: 'Longest answer of a request that names none.' },
  localModelPath: { env: 'LOCAL_MODEL_PATH', kind: 'text', default: null, restart: true, doc: 'A GGUF file to serve as the local model.' },
  localModel: { env: 'LOCAL_MODEL', kind: 'text', default: 'tinyllama', restart: true, doc: 'The local model by its name in `sluice models`.' },
  localModelThreads: { env: 'LOCAL_MODEL_THREADS', kind: 'integer', default: '0', min: 0, max: 512, restart: true, doc: 'Threads that the local model computes with; 0: one less than there are cores, and at least one.' },
  localModelContext: { env: 'LOCAL_MODEL_CONTEXT', kind: 'integer', default: '4096', min: 64, max: 1048576, restart: true, doc: 'Tokens of a question to the local model and of its answer together, at most as many as it was made for. Takes memory for each of `LOCAL_MODEL_PARALLEL`.' },
  localModelParallel: { env: 'LOCAL_MODEL_PARALLEL', kind: 'integer', default: '4', min: 1, max: 64, restart: true, doc: 'Answers that the local model makes at the same time.' },
  localModelQueue: { env: 'LOCAL_MODEL_QUEUE', kind: 'integer', default: '100', min: 1, max: 100000, restart: true, doc: 'Questions that may wait for the local model; one more is answered with 503.' },
  localModelIdleS: { env: 'LOCAL_MODEL_IDLE_S', kind: 'integer', default: '1800', min: 0, max: 31536000, restart: true, doc: 'Seconds without a question after which the local model is unloaded; the next question loads it again. 0: it stays.' },
  modelMirror: { env: 'MODEL_MIRROR', aliases: ['HF_ENDPOINT'], kind: 'url', default: 'https://huggingface.co', doc: 'Where `sluice models pull` fetches models by name: Hugging Face, or a server with its paths.' },
  hfToken: { env: 'HF_TOKEN', kind: 'secret', default: null, doc: 'Token of Hugging Face, for models that ask for one; it goes to `MODEL_MIRROR` alone.' },
  jwtSecret: { env: 'JWT_SECRET', kind: 'secret', default: null, restart: true, doc: 'Signs access tokens and peppers the hashes of API keys, at least 32 bytes: with another one all of them are void. Development makes one and keeps it in the data folder; production requires it.' },
  adminUsername: { env: 'ADMIN_USERNAME', aliases: ['FAKE_USERNAME'], kind: 'text', default: 'admin', restart: true, doc: 'Name of the first user.' },
  adminPassword: { env: 'ADMIN_PASSWORD', aliases: ['FAKE_PASSWORD'], kind: 'secret', default: null, restart: true, doc: 'Password of the first user; made and printed once when unset. Production asks for at least 15 characters.' },
  allowAnonymous: { env: 'ALLOW_ANONYMOUS', kind: 'boolean', default: null, doc: 'Whether the open routes answer without a sign-in: `true` in development, `false` in production.' },
  databaseUrl: { env: 'DATABASE_URL', kind: 'secret', default: null, restart: true, doc: 'A Postgres server, `postgres://…`; the embedded one under `DATA_DIR` when unset.' },
  dataDir: { env: 'DATA_DIR', kind: 'text', default: './data', restart: true, doc: 'Folder of the embedded database, made secrets and files.' },
  s3Bucket: { env: 'S3_BUCKET', kind: 'text', default: null, restart: true, doc: 'A bucket of S3, or of what speaks like it, for files; under `DATA_DIR` when unset. With several machines either this, or a folder that they share.' },
  s3Endpoint: { env: 'S3_ENDPOINT', kind: 'url', default: null, restart: true, doc: "Address of the storage where it is not Amazon's, such as `https://minio.example.org:9000`." },
  s3Region: { env: 'S3_REGION', kind: 'text', default: 'us-east-1', restart: true, doc: 'Region of the bucket.' },
  s3AccessKeyId: { env: 'S3_ACCESS_KEY_ID', kind: 'text', default: null, restart: true, doc: 'Access key of the bucket.' },
  s3SecretAccessKey: { env: 'S3_SECRET_ACCESS_KEY', kind: 'secret', default: null, restart: true, doc: 'Its secret.' },
  redisUrl: { env: 'REDIS_URL', kind: 'secret', default: null, restart: true, doc: 'Redis or Valkey, `redis://…`, for limits and cache across replicas; in-process when unset.' },
  corsOrigins: { env: 'CORS_ORIGINS', kind: 'list', default: null, restart: true, doc: 'Web origins that may call, separated by commas: `*` in development, none in production.' },
  cacheTtlS: { env: 'CACHE_TTL_S', kind: 'integer', default: '3600', min: 0, max: 31536000, doc: 'Seconds that an answer stays in the cache.' },
  cacheMaxEntries: { env: 'CACHE_MAX_ENTRIES', kind: 'integer', default: '10000', min: 0, max: 10000000, doc: 'Answers that the cache holds; 0 switches it off.' },
  cacheMaxBytes: { env: 'CACHE_MAX_BYTES', kind: 'integer', default: '67108864', min: 0, doc: 'Bytes that the cached answers may take together.' },
  rateLimitGenerate: { env: 'RATE_LIMIT_GENERATE', kind: 'rate', default: '10/minute', doc: 'For `/generate` and `/api/generate-intro` (each), by address, when anonymous; `off` for none.' },
  rateLimitLocal: { env: 'RATE_LIMIT_LOCAL', kind: 'rate', default: '20/minute', doc: 'For `/local/generate`, by address, when anonymous.' },
  rateLimitHealth: { env: 'RATE_LIMIT_HEALTH', kind: 'rate', default: '30/minute', doc: 'For `/health`, by address.' },
  rateLimitAnonymous: { env: 'RATE_LIMIT_ANONYMOUS', kind: 'rate', default: '60/minute', doc: 'For every other model route and job write that anonymous callers may use, each, by address.' },
  maxPromptChars: { env: 'MAX_PROMPT_CHARS', kind: 'integer', default: '1000', min: 1, max: 10000000, doc: 'Longest prompt of `/generate` and `/local/generate`.' },
  upstreamConnectTimeoutS: { env: 'UPSTREAM_CONNECT_TIMEOUT_S', kind: 'number', default: '10', min: 0.001, max: 3600, doc: 'Longest wait for a connection to a provider.' },
  upstreamReadTimeoutS: { env: 'UPSTREAM_READ_TIMEOUT_S', kind: 'number', default: '20', min: 0.001, max: 3600, doc: 'Longest silence of a provider, not the whole answer.' },
  upstreamWriteTimeoutS: { env: 'UPSTREAM_WRITE_TIMEOUT_S', kind: 'number', default: '10', min: 0.001, max: 3600, doc: 'Longest time to hand a request to a provider.' },
  upstreamMaxRetries: { env: 'UPSTREAM_MAX_RETRIES', kind: 'integer', default: '3', min: 0, max: 10, doc: 'Attempts after the first one.' },
  upstreamBackoffBaseS: { env: 'UPSTREAM_BACKOFF_BASE_S', kind: 'number', default: '1', min: 0, max: 60, doc: 'First wait between attempts; it doubles up to eight times itself, with jitter.' },
  httpProxy: { env: 'HTTP_PROXY', aliases: ['http_proxy'], kind: 'url', default: null, restart: true, doc: 'Proxy for calls to providers at `http://` addresses, itself reached by `http://`. Loopback is never proxied.' },
  httpsProxy: { env: 'HTTPS_PROXY', aliases: ['https_proxy'], kind: 'url', default: null, restart: true, doc: 'Proxy for calls to providers at `https://` addresses, itself reached by `http://`; it passes the encrypted bytes on.' },
  noProxy: { env: 'NO_PROXY', aliases: ['no_proxy'], kind: 'list', default: '', restart: true, doc: 'Hosts that are called without a proxy, separated by commas: a name and all below it, an address, a network such as `10.0.0.0/8`; `*` for all.' },
  unknownPrice: { env: 'UNKNOWN_PRICE', kind: 'text', default: '2.50/10.00', doc: 'What a model costs of which no price is known: USD for a million tokens of input and output; `free` for nothing; `refuse`, and it is not called. See docs/prices.md.' },
  requestTimeoutS: { env: 'REQUEST_TIMEOUT_S', kind: 'number', default: '600', min: 0.1, max: 86400, doc: 'Longest time for one call in all, retries and stream included.' },
  jobPollIntervalS: { env: 'JOB_POLL_INTERVAL_S', kind: 'number', default: '30', min: 0.05, max: 3600, doc: 'Seconds between two ticks of the job processor.' },
  jobConcurrency: { env: 'JOB_CONCURRENCY', kind: 'integer', default: '16', min: 1, max: 1000, doc: 'Job rows that one worker runs at once.' },
  jobLeaseS: { env: 'JOB_LEASE_S', kind: 'number', default: '30', min: 1, max: 3600, restart: true, doc: 'Seconds without a sign of life after which what a worker had is run by others. The same for all processes.' },
  jobBatchPollS: { env: 'JOB_BATCH_POLL_S', kind: 'number', default: '30', min: 0.05, max: 3600, doc: 'Seconds until a batch at a provider is looked at for the first time. Each wait is twice the one before.' },
  jobBatchPollMaxS: { env: 'JOB_BATCH_POLL_MAX_S', kind: 'number', default: '600', min: 0.05, max: 86400, doc: 'The longest of these waits.' },
  jobBatchGiveUpS: { env: 'JOB_BATCH_GIVE_UP_S', kind: 'number', default: '43200', min: 0.1, max: 604800, doc: 'Seconds after which a step of a batch at a provider that fails again and again is given up, with the requests that it has.' },
  trustProxy: { env: 'TRUST_PROXY', kind: 'list', default: '', restart: true, doc: 'Addresses or networks whose `X-Forwarded-For` is believed, separated by commas; `loopback` and `private` name the usual ones.' },
  requestBodyTimeoutS: { env: 'REQUEST_BODY_TIMEOUT_S', kind: 'integer', default: '28', min: 5, max: 255, restart: true, doc: 'Seconds that a caller has to send a body, in steps of 4, and again while it sends 16 KB a second or more. A head has 10 s.' },
  keepAliveTimeoutS: { env: 'KEEP_ALIVE_TIMEOUT_S', kind: 'integer', default: '75', min: 0, max: 255, restart: true, doc: 'Seconds that a connection stays open for the next request, or for a caller to take what is there, in steps of 4. More than a load balancer in front keeps it; 0 for ever.' },
  shutdownGraceS: { env: 'SHUTDOWN_GRACE_S', kind: 'number', default: '25', min: 0, max: 3600, doc: 'Seconds that answers in flight get to finish on Ctrl-C or SIGTERM.' },
  configFile: { env: 'SLUICE_CONFIG', kind: 'text', default: './sluice.config.yaml', restart: true, doc: 'The configuration file. Only the default one may be absent.' },
  otlpEndpoint: { env: 'OTEL_EXPORTER_OTLP_ENDPOINT', kind: 'url', default: null, restart: true, doc: 'Where traces go; the other standard `OTEL_*` variables count too.' },
} as const satisfies Record<string, SettingRow>;

/** Every name that a setting can be set by, its own first. */
export function variablesOf(row: SettingRow): string[] {
  const names = [row.env, ...(row.aliases ?? [])];
  return row.kind === 'secret' ? [...names, ...names.map((name) => `${name}_FILE`)] : names;
}

export type SettingName = keyof typeof SETTINGS;

/** A rate such as `10/minute`; null is `off`. */
export type Rate = { readonly limit: number; readonly windowMs: number; readonly words: string } | null;

type KindType = {
  text: string;
  secret: string;
  integer: number;
  number: number;
  boolean: boolean;
  rate: Rate;
  list: readonly string[];
  environment: 'development' | 'production';
  log_level: 'debug' | 'info' | 'warning' | 'error';
  url: string;
};

/** Parsed and frozen. A setting whose default is null may be null. */
export type Settings = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name]['default'] extends null ? KindType[(typeof SETTINGS)[Name]['kind']] | null : KindType[(typeof SETTINGS)[Name]['kind']];
};
