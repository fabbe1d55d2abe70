/** Engines that OpenAI has switched off, as earlier services had them in OPENAI_ENGINE. `davinci-002` and `babbage-002` came later. */
const RETIRED =
  /^(?:openai\/)?(?:(?:text-)?(?:davinci|curie|babbage|ada)(?:-00[1-3])?|code-(?:davinci|cushman)-00[12]|(?:davinci|curie)-instruct-beta|(?:text|code)-davinci-edit-001)$/i;

export function isRetiredEngine(model: string): boolean {
  return RETIRED.test(model) && !/^(?:openai\/)?(?:davinci|babbage)-002$/i.test(model);
}
