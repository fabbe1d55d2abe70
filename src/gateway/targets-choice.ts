import { createHash } from 'node:crypto';
import type { App, GatewayCall, ModelCall } from '../app.ts';
import { type RecentMap, recentMap } from '../core/recent-map.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import { type Asked, orderTargets, type Placed, type Reason, type TargetOrder } from '../core/target-order.ts';
import type { Targets } from './targets.ts';

/** Step two: where a call may go, in which order. */
export type Choice = TargetOrder & {
  /** To be called with the place that answered: the next call of the session goes there too. */
  readonly answeredBy: (candidate: Candidate) => void;
};

export type Choosing = {
  readonly needs: Pick<App, 'config' | 'random'>;
  readonly targets: Targets;
  readonly sessions: Sessions;
};
/** Where a session was answered last. */
export type Sessions = RecentMap<string>;
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
  const all = routes.candidates(name);
  const open = able(all);
  if (open.length === 1) return { order: open.map(only), leftOut: [], answeredBy: nobodyAsks };
  const session = plan.sticky && named !== undefined ? sessionKey(call.principal.projectId, name, named) : null;
  const narrowed =
    open.length === all.length
      ? plan
      : { ...plan, targets: plan.targets.filter(({ candidate }) => open.includes(candidate)), fallbacks: plan.fallbacks.filter((each) => open.includes(each)) };
  const order = orderTargets({
    plan: narrowed,
    asked: asked(),
    // Of a session every process draws the same, so that it stays where it was behind any of them.
    draw: session === null ? needs.random() : fractionOf(session),
    before: session === null ? null : (sessions.get(session) ?? null),
    measured: targets.look,
  });
  return { ...order, answeredBy: session === null ? nobodyAsks : (candidate) => sessions.set(session, placeName(candidate)) };
}

const ONLY: Reason = 'only';
function only(candidate: Candidate): Placed {
  return { candidate, reason: ONLY };
}

function nobodyAsks(): void {}

/** What the caller names as one conversation, or else as one user. */
export function sessionOf({ session, request: { given } }: Pick<ModelCall, 'session' | 'request'>): string | undefined {
  const named = [session, given?.body['prompt_cache_key'], given?.body['user']];
  return named.find((name): name is string => typeof name === 'string' && name !== '');
}

/** Sessions of two projects are two, whatever they are called, and a long name takes no more room than a short one. */
function sessionKey(projectId: string, name: string, session: string): string {
  return createHash('sha256')
    .update(JSON.stringify([projectId, name, session]))
    .digest('hex');
}

/** Evenly from 0 to 1. */
function fractionOf(key: string): number {
  return Number.parseInt(key.slice(0, 8), 16) / 2 ** 32;
}
