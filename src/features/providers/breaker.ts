import type { TargetState } from '../../app/gateway.ts';

/** How well a place is, as people read it. */
export function healthReply({ breaker: { state, sinceMs, waitMs, failuresInARow }, restMs, firstPieceMs }: TargetState) {
  return {
    breaker: { state, since: sinceMs === null ? null : timeOf(sinceMs), retry_in_ms: Math.ceil(waitMs), failures_in_a_row: failuresInARow },
    rests_for_ms: Math.ceil(restMs),
    first_piece_ms: firstPieceMs === null ? null : Math.round(firstPieceMs * 10) / 10,
  };
}

export function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
