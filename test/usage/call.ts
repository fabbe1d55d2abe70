/** A row of the ledger as it is stored. */
export type StoredCall = {
  readonly id: string;
  readonly at: string;
  readonly request_id: string;
  readonly root_id: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly key_id: string | null;
  readonly route: string;
  readonly template_id: string | null;
  readonly job_id: string | null;
  readonly asked_model: string | null;
  readonly provider: string;
  readonly model: string;
  readonly outcome: 'ok' | 'left' | 'cut' | 'failed' | 'lost';
  readonly error_code: string | null;
  readonly cache: 'HIT' | 'MISS' | 'BYPASS';
  readonly streamed: boolean;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly max_tokens: number | null;
  readonly estimated: boolean;
  readonly cost_nano_usd: number;
  readonly saved_nano_usd: number;
  readonly queue_ms: number;
  readonly first_piece_ms: number | null;
  readonly upstream_ms: number;
  readonly failures:
    | readonly { readonly provider: string; readonly model: string; readonly fault: string; readonly status: number | null; readonly ms: number }[]
    | null;
  readonly request_hash: string | null;
};

/** A call that went well and cost a tenth of a cent, but for what a test says of it. */
export function ledgerCall(parts: Partial<StoredCall> & Pick<StoredCall, 'id' | 'at'>): StoredCall {
  return {
    request_id: `req_of_${parts.id}`,
    root_id: parts.id,
    project_id: 'default',
    user_id: null,
    key_id: null,
    route: '/generate',
    template_id: null,
    job_id: null,
    asked_model: null,
    provider: 'openai',
    model: 'gpt-4o-mini',
    outcome: 'ok',
    error_code: null,
    cache: 'MISS',
    streamed: false,
    input_tokens: 100,
    cached_input_tokens: 0,
    output_tokens: 50,
    reasoning_tokens: 0,
    max_tokens: null,
    estimated: false,
    cost_nano_usd: 1_000_000,
    saved_nano_usd: 0,
    queue_ms: 0.5,
    first_piece_ms: 120,
    upstream_ms: 900,
    failures: null,
    request_hash: null,
    ...parts,
  };
}
