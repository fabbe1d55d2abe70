import type { ChatHistoryItem, JinjaTemplateChatWrapper, LlamaModel, Token } from 'node-llama-cpp';
import type { LocalMessage } from '../../core/local-model.ts';
import { RefusedError } from './refused-error.ts';

/** How a chat is written for this model. */
export type ChatForm = {
  readonly tokens: (messages: readonly LocalMessage[]) => Token[];
  /** With which texts its turn ends, where that is no token of its own. */
  readonly ends: readonly string[];
};

/** Zephyr's form, which TinyLlama has: for a file that names none. */
const ZEPHYR =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

export async function createChat(model: LlamaModel): Promise<ChatForm> {
  const { JinjaTemplateChatWrapper: Wrapper } = await import('node-llama-cpp');
  const own: unknown = model.fileInfo.metadata.tokenizer.chat_template;
  const template = typeof own === 'string' && own !== '' ? own : ZEPHYR;
  // A form that does not begin with the token for a beginning gets it, as llama.cpp's own server gives it.
  const begin = model.tokens.shouldPrependBosToken && !template.includes('bos_token') ? '{{ bos_token }}' : '';
  const wrapper = new Wrapper({ template: begin + template });
  const form = (messages: readonly LocalMessage[]) => wrapper.generateContextState({ chatHistory: [...messages.map(turnOf), { type: 'model', response: [] }] });
  return {
    tokens(messages) {
      try {
        // What a person writes is text and nothing else: `</s>` in it ends nothing.
        return form(messages).contextText.tokenize(model.tokenizer);
      } catch (cause) {
        // A form may refuse an order of roles.
        throw new RefusedError({
          words: `The model's chat template: ${cause instanceof Error ? cause.message : String(cause)}`,
          code: null,
          param: 'messages',
        });
      }
    },
    ends: textsOf(form([{ role: 'user', text: 'x' }]).stopGenerationTriggers),
  };
}

function turnOf({ role, text }: LocalMessage): ChatHistoryItem {
  return role === 'assistant' ? { type: 'model', response: [text] } : { type: role, text };
}

type Triggers = ReturnType<JinjaTemplateChatWrapper['generateContextState']>['stopGenerationTriggers'];

function textsOf(triggers: Triggers): string[] {
  return triggers.flatMap(({ values }) => {
    const [text] = values;
    return values.length === 1 && typeof text === 'string' ? [text] : [];
  });
}
