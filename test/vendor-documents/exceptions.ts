import type { Exception } from './document.ts';

/** Where the documents forbid what their vendors send themselves. One that nothing needs any more fails the test. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    document: 'openai',
    at: 'components/schemas/CreateCompletionResponse/properties/choices/items/properties/finish_reason',
    allows: { also: { type: 'null' } },
    why: 'The one schema is for whole answers and for chunks, and a chunk before the last has no reason to finish: the vendor sends null, and its clients declare it.',
  },
  {
    document: 'openai',
    at: 'components/schemas/CreateCompletionResponse/properties/usage',
    allows: { also: { type: 'null' } },
    why: 'With `include_usage` the vendor sends null in all chunks but the last, as it says of chat chunks; here the schema was left behind.',
  },
  {
    document: 'openai',
    at: 'components/schemas/Embedding/properties/embedding',
    allows: { also: { type: 'string' } },
    why: 'With `encoding_format: "base64"`, which the same document has, the vendor sends a string.',
  },
  {
    document: 'openai',
    at: 'components/schemas/ModelResponseProperties/properties/user',
    allows: { also: { type: 'null' } },
    why: 'The vendor sends null where the request named nobody; the example in the same document has it.',
  },
  {
    document: 'openai',
    at: 'components/schemas/Response/allOf/2/properties/usage',
    allows: { also: { type: 'null' } },
    why: 'A response that has not come to its end has no usage yet: the vendor sends null, as the examples of its events show.',
  },
  {
    document: 'openai',
    at: 'components/schemas/Response/allOf/2/properties/status',
    allows: { also: { enum: ['queued', 'cancelled'] } },
    why: 'This edition of the document is older than responses in the background; the clients of the vendor know both words.',
  },
  {
    document: 'openai',
    at: 'components/schemas/TextResponseFormatJsonSchema/properties/description',
    allows: { also: { type: 'null' } },
    why: 'The vendor sends null where none was given, and Open Responses demands that it be there.',
  },
  {
    document: 'open-responses',
    at: 'components/schemas/JsonSchemaResponseFormat/properties/schema',
    allows: { also: { type: 'object' } },
    why: 'The document allows nothing but null, as if the schema that was asked for were never said again: the vendor sends it.',
  },
  {
    document: 'anthropic',
    at: 'components/schemas/MessageStreamEvent',
    allows: { member: { type: 'object', properties: { type: { const: 'ping' } }, required: ['type'] } },
    why: 'The vendor sends pings, tells of them in its guide to streams, and has them in no schema.',
  },
];
