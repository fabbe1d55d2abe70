import type { App } from '../app.ts';
import type { ModelCall } from '../app/gateway.ts';
import { recentMap } from '../core/recent-map.ts';
import type { Candidate } from '../core/routing.ts';

/** Callers may ask for ever new names, so not all of them are remembered. */
const NAMES_MAX = 1000;

/** Marks a call whose price nobody stated, and says so in the log, once for a model. */
export function createAssumedPriceNote(log: Pick<App['log'], 'warning'>): (call: Pick<ModelCall, 'logFields'>, candidate: Candidate) => void {
  const noted = recentMap<true>(NAMES_MAX);
  return ({ logFields }, { provider, model, price, priceAssumed }) => {
    if (!priceAssumed) return;
    logFields['price_assumed'] = true;
    const name = `${provider.id}/${model}`;
    if (noted.get(name)) return;
    noted.set(name, true);
    log.warning(`no price is known for ${name}: its calls cost what UNKNOWN_PRICE says, until prices in sluice.config.yaml has one`, {
      model: name,
      usd_per_million: { input: price.inputNanoUsd / 1000, output: price.outputNanoUsd / 1000 },
    });
  };
}
