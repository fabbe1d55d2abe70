import type { Slice } from './ask.ts';

/** Of its own each task promises nothing that the rules and the troubles of the whole service do not bring about. */
export const tasks: Slice = {
  // Two intros, as in the example, are not one text that could be streamed.
  suited: { 'POST /api/generate-intro': { json: { script: 'Today we look at how bees find their way home.' } } },
  cases: [],
};
