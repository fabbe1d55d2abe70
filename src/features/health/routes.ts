import { Alive, HealthReply, ReadyReply } from '../../contract/health.ts';
import { type Route, route } from '../../http/route.ts';
import { alive, createHealth, ready } from './health.ts';

export function healthRoutes(version: string): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      summary: 'Is the process alive',
      tag: 'Health',
      scope: 'public',
      replies: [{ status: 200, description: 'It is.', type: 'application/json', schema: Alive }],
      handle: alive,
    }),
    route({
      method: 'GET',
      path: '/readyz',
      summary: 'May traffic be sent here',
      tag: 'Health',
      scope: 'public',
      replies: [
        { status: 200, description: 'It may.', type: 'application/json', schema: ReadyReply },
        { status: 503, description: 'Starting or draining.', type: 'application/json', schema: ReadyReply },
      ],
      handle: ready,
    }),
    ...['/health' as const, '/api/v1/health' as const].map((path) =>
      route({
        method: 'GET',
        path,
        summary: 'What works and what does not',
        description: 'Providers are asked at most every 30 seconds, however often this is.',
        tag: 'Health',
        scope: 'public',
        limit: 'rateLimitHealth',
        limitEverybody: true,
        replies: [
          { status: 200, description: 'It works, perhaps not all of it (`degraded`).', type: 'application/json', schema: HealthReply },
          { status: 503, description: 'It does not work (`error`).', type: 'application/json', schema: HealthReply },
        ],
        handle: createHealth(version),
      }),
    ),
  ];
}
