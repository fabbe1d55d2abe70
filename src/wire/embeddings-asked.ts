import type { EmbeddingsBody } from '../contract/embeddings.ts';
import type { EmbedRequest } from '../core/provider.ts';

export type AskedEmbeddings = {
  readonly model: string;
  readonly request: Omit<EmbedRequest, 'model'>;
  readonly asBase64: boolean;
};

/** What a body in OpenAI's words asks for. */
export function readEmbeddings({ model, input, encoding_format: format, dimensions, ...rest }: EmbeddingsBody): AskedEmbeddings {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null));
  return {
    model,
    asBase64: format === 'base64',
    request: {
      texts: textsOf(input),
      ...(typeof dimensions === 'number' ? { dimensions } : {}),
      ...(Object.keys(given).length === 0 ? {} : { given }),
    },
  };
}

function textsOf(input: EmbeddingsBody['input']): EmbedRequest['texts'] {
  if (typeof input === 'string') return [input];
  return isOneText(input) ? [input] : input;
}

/** A list of numbers is one text in the ids of its tokens. */
function isOneText(input: Exclude<EmbeddingsBody['input'], string>): input is number[] {
  return typeof input[0] === 'number';
}
