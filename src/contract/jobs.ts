/** Requests that one call can add, and that a job can have. */
export const ROWS_A_CALL_MAX = 50_000;
export const JOB_ROWS_MAX = 1_000_000;
