import { createHash } from 'node:crypto';
import type { App } from '../app.ts';
import type { GatewayCall, ModelCall } from '../app/gateway.ts';
import { orderKeys } from '../core/key-order.ts';
import { type RecentMap, recentMap } from '../core/recent-map.ts';
import { type Candidate, type Plan, placeName } from '../core/routing.ts';
import { type Asked, type Measured, orderTargets, type Placed, type Reason, type TargetOrder } from '../core/target-order.ts';
import type { Targets } from './targets.ts';

/** Step two: where a call may go, in which order. */
export type Choice = TargetOrder & {
  /** To be called with the place that answered: the next call of the session goes there too. */
  readonly answeredBy: (candidate: Candidate) => void;
  readonly onCut: Plan['onCut'];
};

export type Choosing = {
  readonly needs: Pick<App, 'config' | 'random'>;
  readonly targets: Targets;
  readonly sessions: Sessions;
};
/** Where a session was answered last: the place, and of several keys the one. */
export type Sessions = RecentMap<Before>;
type Before = { readonly place: string; readonly key: string | null };
export const createSessions = (): Sessions => recentMap(SESSIONS_MAX);
const SESSIONS_MAX = 10_000;

type Choose = {
  readonly call: Pick<GatewayCall, 'principal' | 'model'>;
  readonly session: string | undefined;
  /** Counting costs time: asked only where there is a choice. */
  readonly asked: () => Asked;
  /** Those that this caller may ask and that can be told all of it; throws where there is none. */
  readonly able: (candidates: readonly Candidate[]) => readonly Candidate[];
};

export function choose({ needs, targets, sessions }: Choosing, { call, session: named, asked, able }: Choose): Choice {
  const { routes, defaultModel } = needs.config();
  const name = call.model ?? defaultModel;
  const plan = routes.plan(name);
  const { all } = plan;
  const open = able(all);
  const isAlone = open.length === 1;
  if (isAlone && open[0]?.byKey === undefined) return { order: open.map(only), leftOut: [], answeredBy: nobodyAsks, onCut: plan.onCut };
  const session = plan.sticky && named !== undefined ? sessionKey(call.principal.projectId, name, named) : null;
  const before = session === null ? null : (sessions.get(session) ?? null);
  const narrowed =
    open.length === all.length
      ? plan
      : { ...plan, targets: plan.targets.filter(({ candidate }) => open.includes(candidate)), fallbacks: plan.fallbacks.filter((each) => open.includes(each)) };
  const { order, leftOut }: TargetOrder = isAlone
    ? { order: open.map(only), leftOut: [] }
    : orderTargets({
        plan: narrowed,
        asked: asked(),
        // Of a session every process draws the same, so that it stays where it was behind any of them.
        draw: session === null ? needs.random() : fractionOf(session),
        before: before?.place ?? null,
        measured: (candidate) => measuredAt(targets, candidate),
      });
  return {
    order: order.some(hasKeys) ? order.flatMap((placed) => overKeys(placed, { needs, targets, session, before: before?.key ?? null })) : order,
    leftOut,
    onCut: plan.onCut,
    answeredBy: session === null ? nobodyAsks : (candidate) => sessions.set(session, { place: placeName(candidate), key: candidate.key?.id ?? null }),
  };
}

const ONLY: Reason = 'only';
function only(candidate: Candidate): Placed {
  return { candidate, reason: ONLY };
}

function hasKeys({ candidate }: Placed): boolean {
  return candidate.byKey !== undefined;
}

type Spreading = Pick<Choosing, 'needs' | 'targets'> & { readonly session: string | null; readonly before: string | null };

/** A place of a provider with several keys is as many, one behind the other. */
function overKeys({ candidate: place, reason }: Placed, { needs, targets, session, before }: Spreading): readonly Placed[] {
  if (place.byKey === undefined) return [{ candidate: place, reason }];
  const drawn = place.byKey.map((candidate) =>
    session === null
      ? { candidate, draw: needs.random(), inFlight: targets.inFlight(candidate) }
      : { candidate, draw: fractionOf(hashOf(`${session} ${candidate.key?.id ?? ''}`)), inFlight: 0 },
  );
  return orderKeys(drawn, before).map(({ candidate, keyReason }) => ({ candidate, reason, keyReason }));
}

/** Of several keys the answers that began soonest, and all that is under way. */
function measuredAt(targets: Targets, place: Candidate): Measured {
  const { byKey } = place;
  if (byKey === undefined) return targets.look(place);
  const states = byKey.map(targets.look);
  const times = states.flatMap(({ firstPieceMs }) => firstPieceMs ?? []);
  return { firstPieceMs: times.length === 0 ? null : Math.min(...times), inFlight: states.reduce((sum, { inFlight }) => sum + inFlight, 0) };
}

function nobodyAsks(): void {}

/** What the caller names as one conversation, or else as one user. */
export function sessionOf({ session, request: { given } }: Pick<ModelCall, 'session' | 'request'>): string | undefined {
  const named = [session, given?.body['prompt_cache_key'], given?.body['user']];
  return named.find((name): name is string => typeof name === 'string' && name !== '');
}

/** Sessions of two projects are two, whatever they are called, and a long name takes no more room than a short one. */
function sessionKey(projectId: string, name: string, session: string): string {
  return hashOf(JSON.stringify([projectId, name, session]));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Evenly from 0 to 1. */
function fractionOf(key: string): number {
  return Number.parseInt(key.slice(0, 8), 16) / 2 ** 32;
}
