import type { App } from '../app.ts';
import type { ListedModel } from '../app/gateway.ts';
import type { Principal } from '../contract/policy.ts';
import type { Candidate } from '../core/routing.ts';
import { openCandidates } from './admit.ts';

type Needs = { readonly config: () => Pick<ReturnType<App['config']>, 'routes'>; readonly gateway: Pick<App['gateway'], 'models'> };

/** The names that a caller may call: a key's are those of its models. */
export function callableModels(app: Needs, principal: Principal): readonly ListedModel[] {
  return app.gateway.models().filter(({ name }) => candidatesFor(app, principal, name).length > 0);
}

/** Where calls of this caller to a name may go, in the order of the configuration. Throws MODEL_NOT_FOUND. */
export function candidatesFor(app: Pick<Needs, 'config'>, principal: Principal, name: string): readonly Candidate[] {
  const allowed = principal.kind === 'key' ? principal.allowedModels : null;
  return openCandidates(allowed, name, app.config().routes.candidates(name));
}
