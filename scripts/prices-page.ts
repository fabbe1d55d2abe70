import { SETTINGS } from '../src/contract/settings.ts';
import { VENDORS } from '../src/core/model-catalog.ts';
import type { Vendor } from '../src/core/model-catalog/vendor.ts';
import type { ModelFacts, Price, Tariff } from '../src/core/provider.ts';

/** docs/prices.md: what is known about models and prices, and what happens where nothing is. */
export function pricesPage(command: string): string {
  return `<!-- Generated from src/core/model-catalog/ by \`${command}\`: change the tables there, not this page. -->
# Prices
${RULES}
${VENDORS.filter(({ id }) => id !== 'openrouter')
  .map(section)
  .join('\n')}
## OpenRouter

It passes the prices of OpenAI, Google, xAI and Anthropic on; a model is called \`openai/gpt-4o-mini\`, \`google/…\`, \`x-ai/…\`, \`anthropic/claude-haiku-4.5\`
there. They count as above, without those of batches. Its fee for buying credit is not a price of a call.
`;
}

const RULES = `
What a call costs is counted in whole nano-USD (a thousand-millionth of a USD), from the usage that the provider states and the price that counts
for the model: 1,000 tokens in and 500 out of \`gpt-4o-mini\` cost 0.00045 USD.

- **Input** costs its price a token. The part that the provider had in its cache costs the price of cached input; the part that it put
  there, that of a cache write: for minutes, or for an hour and longer.
- **Output** costs its price a token. Reasoning is output: its tokens are among the output tokens, and counted once.
- **A long prompt** makes all of a call cost the second price of a model that has two.
- **A batch** costs the price of batches where the provider has one, else as much as single calls.
- **A fee for each call** comes on top, where there is one.
- All of it is added up and rounded once. A price that is not stated costs as input; there is no discount that nobody promised.

Before a call starts, the most that it can cost is set aside from its budgets: no cached input, the dearest write into a cache, the price of
a long prompt where it may be one, and the longest answer that it may give.

## Where no price is known

\`UNKNOWN_PRICE\` says what happens with a model of which no price is known. It is never silently free.

| value | what happens |
|---|---|
| \`${SETTINGS.unknownPrice.default}\` (the default) | It costs so many USD for a million tokens of input and output: a stated estimate. \`/api/v1/models\` shows it as \`assumed\`, its calls stand in the ledger as estimated and in the log with \`price_assumed\`, and the log tells of each such model once. |
| \`free\` | The same, at nothing. |
| \`refuse\` | It is not listed, and a call to it is answered by \`INVALID_VALUE\` for \`model\`, which says how to state a price. |

The demo models cost nothing. A server of your own costs what you say:

\`\`\`yaml
# sluice.config.yaml; USD for a million tokens
prices:
  ollama/*: { input: 0, output: 0 }        # every model of this provider
  groq/openai/gpt-oss-120b:
    input: 0.12
    output: 0.5
    cached_input: 0.06
    batch_input: 0.06
    batch_output: 0.25
    as_of: 2026-11-21
    source: our contract
\`\`\`

Such a price takes the place of the one below, whole: what it leaves out is not taken from there. It may also have \`cache_write\`,
\`long_cache_write\`, \`per_call\`, and \`above: { tokens, input, output, … }\` for long prompts. A change counts for calls that start after it.

## Known models

A provider gets the prices and limits of the vendor whose key made it (\`GEMINI_API_KEY\` makes \`google\`); one in \`sluice.config.yaml\` those
of the vendor that it is named after (\`groq\`), or whose address it has, and one of the kind \`anthropic\` those of Anthropic else. Prices
are the vendors' own, in USD for a million tokens, as stated by the page named on the day named; they were read from stored copies of these
pages and compared with other public lists. Where a price depends on the hour or ends on a known day, and where two sources differ, the dearer
one is here. Not here: tools, searches, images made, sound, regions at a surcharge, faster tiers. A cache write is for
minutes / for an hour and longer.
`;

const COLUMNS = ['model', 'context', 'answer', 'input', 'cached', 'cache write', 'output', 'batch: input, output', 'day'];

function section({ name, models }: Vendor): string {
  const groups = grouped(models);
  const sources = [...new Set(groups.map(({ price }) => price.source))];
  return `### ${name}

Source: ${sources.map((source) => `<${source}>`).join(', ')}

| ${COLUMNS.join(' | ')} |
|${'---|'.repeat(COLUMNS.length)}
${groups.flatMap(lines).join('\n')}
`;
}

type Group = { readonly names: string[]; readonly facts: ModelFacts; readonly price: Price };

/** Names of one model share a row: they share the very price. */
function grouped(models: readonly ModelFacts[]): Group[] {
  const groups: Group[] = [];
  for (const facts of models) {
    if (!facts.price) throw new Error(`${facts.id} is in the catalogue without a price`);
    const same = groups.find(({ price }) => price === facts.price);
    if (same) same.names.push(facts.id);
    else groups.push({ names: [facts.id], facts, price: facts.price });
  }
  return groups;
}

function lines({ names, facts, price }: Group): string[] {
  const model = names.map((each) => `\`${each}\``).join(', ');
  const fee = price.callNanoUsd === undefined ? '' : ` and ${price.callNanoUsd / 1e9} a call`;
  const first = [model, count(facts.contextTokens), count(facts.outputTokensMax), ...tariffCells(price, fee), price.asOf ?? '–'];
  if (!price.above) return [tableLine(first)];
  return [tableLine(first), tableLine([`… prompts above ${count(price.above.tokens)}`, '', '', ...tariffCells(price.above, fee), ''])];
}

function tariffCells(tariff: Tariff, fee: string): string[] {
  const writes = new Set([usd(tariff.cacheWriteNanoUsd), usd(tariff.longCacheWriteNanoUsd)]);
  const batch = tariff.batch ? `${usd(tariff.batch.inputNanoUsd)}, ${usd(tariff.batch.outputNanoUsd)}` : '–';
  return [`${usd(tariff.inputNanoUsd)}${fee}`, usd(tariff.cachedInputNanoUsd), [...writes].join(' / '), usd(tariff.outputNanoUsd), batch];
}

function usd(nanoUsd: number | undefined): string {
  return nanoUsd === undefined ? '–' : String(nanoUsd / 1000);
}

function count(tokens: number): string {
  return tokens === 0 ? '–' : tokens.toLocaleString('en-US');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
