import { instanceOf } from '../../core/json-schema-instance.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { introsOf } from './intro.ts';
import { languageOf } from './language.ts';
import type { Reading } from './reading.ts';
import { feel, type Feeling } from './sentiment.ts';
import { speak, translate } from './speaking.ts';
import { headlineOf, summarize } from './summary.ts';
import { topicsOf } from './words.ts';

/** The answer as JSON of the form that was asked for: fields with a known name mean what they say, the others are at least valid. */
export function structuredAnswer(reading: Reading, schema: JsonSchema): unknown {
  const feeling = feel(reading.material);
  return instanceOf(schema, reading.material, (path, _index, part) => {
    const name = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
    return fieldOf(name, part, reading) ?? feelingField(name, part, feeling) ?? freeText(name, part);
  });
}

function fieldOf(name: string, schema: JsonSchema, reading: Reading): unknown {
  const { material } = reading;
  switch (name) {
    case 'intros':
      return introsOf({ ...reading, count: countIn(schema, reading.count) });
    case 'intro':
      return introsOf({ ...reading, count: 1 })[0];
    case 'translation':
    case 'translated_text':
      return translate(reading);
    case 'source_language':
    case 'detected_language':
      return languageOf(material);
    case 'target_language':
      return reading.language ?? undefined;
    case 'summary':
      return summarize(reading);
    case 'title':
    case 'headline':
      return `[demo] ${headlineOf(material, 12)}`;
    case 'keywords':
    case 'topics':
    case 'tags':
      return topicsOf(material, countIn(schema, 5));
    case 'answer':
    case 'response':
    case 'output':
    case 'result':
    case 'completion':
    case 'content':
    case 'text':
    case 'message':
    case 'reply':
      return schema['format'] === undefined ? speak(reading) : undefined;
    default:
      return undefined;
  }
}

function feelingField(name: string, schema: JsonSchema, feeling: Feeling): unknown {
  switch (name) {
    case 'sentiment':
    case 'polarity':
    case 'label':
      return labelIn(schema, feeling.sentiment);
    case 'score':
    case 'rating':
    case 'stars':
      return scaled(schema, feeling.score);
    case 'confidence':
      return feeling.confidence;
    case 'emotions':
      return feeling.emotions;
    case 'explanation':
    case 'reason':
    case 'reasoning':
    case 'rationale':
      return feeling.explanation;
    default:
      return undefined;
  }
}

function freeText(name: string, schema: JsonSchema): unknown {
  const isFree =
    schema['enum'] === undefined &&
    schema['const'] === undefined &&
    schema['format'] === undefined &&
    schema['pattern'] === undefined &&
    schema['examples'] === undefined;
  return isFree && (schema['type'] === 'string' || schema['type'] === undefined) ? `[demo] ${name === '' ? 'text' : name.replaceAll('_', ' ')}` : undefined;
}

/** The one of the allowed labels that means this: `POSITIVE`, `pos`, `Neutral`. */
function labelIn(schema: JsonSchema, sentiment: string): unknown {
  const allowed = Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : [];
  if (allowed.length === 0) return sentiment;
  return allowed.find((label) => typeof label === 'string' && label.toLowerCase().startsWith(sentiment.slice(0, 3)));
}

/** From −1…1 to the range of the schema, such as 1…5 stars. */
function scaled(schema: JsonSchema, score: number): number {
  const { minimum, maximum } = schema;
  if (typeof minimum !== 'number' || typeof maximum !== 'number') return score;
  const value = minimum + ((score + 1) / 2) * (maximum - minimum);
  return schema['type'] === 'integer' ? Math.round(value) : Math.round(value * 100) / 100;
}

function countIn(schema: JsonSchema, wanted: number): number {
  const { minItems, maxItems } = schema;
  const least = typeof minItems === 'number' ? minItems : 0;
  return Math.min(50, Math.max(least, Math.min(wanted, typeof maxItems === 'number' ? maxItems : wanted)));
}
