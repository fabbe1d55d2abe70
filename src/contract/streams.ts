import { z } from 'zod';

/** Streams that go on when their caller's connection drops (CONTRACT 3.3). */
export const StreamParams = z.strictObject({ id: z.string().meta({ examples: ['str_01k5m2v8y3f7q9a4c6e8g0j2n4'] }) });
export type StreamParams = z.output<typeof StreamParams>;
