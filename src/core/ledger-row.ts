/**
 * A row of the ledger: one model call, under the names of its columns, so that its JSON goes to the journal and into the database as it stands.
 * What is unset is none, nothing or no, and is left out: most rows have half of it.
 */
export type LedgerRow = {
  readonly id: string;
  /** RFC 3339. Of a call that is run again under its id, the first time's. */
  readonly at: string;
  readonly request_id: string;
  /** The first call of the same request; its own id for the first. */
  readonly root_id: string;
  readonly project_id: string;
  readonly user_id?: string | undefined;
  readonly key_id?: string | undefined;
  readonly route: string;
  readonly template_id?: string | undefined;
  readonly job_id?: string | undefined;
  readonly asked_model?: string | undefined;
  readonly provider: string;
  readonly model: string;
  readonly outcome: 'ok' | 'left' | 'cut' | 'failed' | 'lost';
  readonly error_code?: string | undefined;
  readonly cache: 'HIT' | 'MISS' | 'BYPASS';
  readonly streamed: boolean;
  readonly input_tokens: number;
  readonly cached_input_tokens?: number | undefined;
  readonly output_tokens: number;
  readonly reasoning_tokens?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly estimated?: boolean | undefined;
  readonly cost_nano_usd: number;
  readonly saved_nano_usd?: number | undefined;
  readonly queue_ms: number;
  readonly first_piece_ms?: number | undefined;
  readonly upstream_ms: number;
  readonly failures?: readonly FailedAttempt[] | undefined;
  readonly request_hash?: string | undefined;
};

/** An attempt that came before the one that counts. */
export type FailedAttempt = { readonly provider: string; readonly model: string; readonly fault: string; readonly status: number | null; readonly ms: number };
