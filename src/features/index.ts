import type { Settings } from '../contract/settings.ts';
import type { Route } from '../http/route.ts';
import { auditRoutes } from './audit/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { cacheRoutes } from './cache/routes.ts';
import { chatRoutes } from './chat/routes.ts';
import { completionRoutes } from './completions/routes.ts';
import { docsRoutes } from './docs/routes.ts';
import { embeddingRoutes } from './embeddings/routes.ts';
import { batchRoutes } from './jobs/batches/routes.ts';
import { messageBatchRoutes } from './jobs/message-batches/routes.ts';
import { fileRoutes } from './files/routes.ts';
import { generateRoutes } from './generate/routes.ts';
import { healthRoutes } from './health/routes.ts';
import { jobRoutes } from './jobs/routes.ts';
import { scheduleRoutes } from './jobs/schedules/routes.ts';
import { jobTemplateRoutes } from './jobs/templates/routes.ts';
import { keyRoutes } from './keys/routes.ts';
import { messageRoutes } from './messages/routes.ts';
import { modelRoutes } from './models/routes.ts';
import { moderationRoutes } from './moderations/routes.ts';
import { openaiModelRoutes } from './openai-models/routes.ts';
import { providerRoutes } from './providers/routes.ts';
import { projectRoutes } from './projects/routes.ts';
import { requestRoutes } from './requests/routes.ts';
import { responseRoutes } from './responses/routes.ts';
import { streamRoutes } from './streams/routes.ts';
import { taskRoutes } from './tasks/routes.ts';
import { templateRoutes } from './templates/routes.ts';
import { usageRoutes } from './usage/routes.ts';
import { userRoutes } from './users/routes.ts';
import { webhookRoutes } from './webhooks/routes.ts';
import { VERSION } from '../contract/version.ts';

/** Everything that is served. */
export function allRoutes(settings: Settings): readonly Route[] {
  const routes = [
    ...generateRoutes(settings),
    ...streamRoutes,
    ...taskRoutes,
    ...templateRoutes,
    ...chatRoutes,
    ...responseRoutes,
    ...messageRoutes,
    ...completionRoutes,
    ...embeddingRoutes,
    ...moderationRoutes,
    ...fileRoutes,
    ...batchRoutes,
    ...messageBatchRoutes,
    ...openaiModelRoutes,
    ...modelRoutes,
    ...providerRoutes,
    ...jobRoutes,
    ...jobTemplateRoutes,
    ...scheduleRoutes,
    ...webhookRoutes,
    ...cacheRoutes,
    ...usageRoutes,
    ...requestRoutes,
    ...authRoutes,
    ...keyRoutes,
    ...userRoutes,
    ...projectRoutes,
    ...auditRoutes,
    ...healthRoutes(VERSION),
  ];
  return [...routes, ...docsRoutes(routes)];
}
