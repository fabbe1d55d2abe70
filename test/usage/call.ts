import type { LedgerRow } from '../../src/core/ledger-row.ts';

/** A row of the ledger as it is stored: what is unset is null. */
export type StoredCall = {
  readonly [Name in keyof Required<LedgerRow>]: undefined extends LedgerRow[Name] ? Exclude<LedgerRow[Name], undefined> | null : LedgerRow[Name];
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
