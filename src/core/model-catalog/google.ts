import { embedding, thinking, vendor } from './vendor.ts';

const LONG = { above: [200_000, 2, 1.5] } as const;

/** Text, images and video; sound is dearer. Of two prices the standard one is stated: half of it, which holds until the end of 2026 for 3.6 to 3.8, would be too little after. */
export const google = vendor(
  { id: 'google', name: 'Google Gemini', hosts: ['generativelanguage.googleapis.com'] },
  { asOf: '2026-09-07', source: 'https://ai.google.dev/gemini-api/docs/pricing', batch: 0.5 },
  [
    thinking('gemini-3.8-flash', [1_048_576, 65_536], [1.5, 7.5, 0.15]),
    thinking('gemini-3.7-flash', [1_048_576, 65_536], [1.5, 7.5, 0.15]),
    thinking('gemini-3.6-flash', [1_048_576, 65_536], [1.5, 7.5, 0.15]),
    thinking('gemini-3.5-flash', [1_048_576, 65_536], [1.5, 9, 0.15]),
    thinking('gemini-3.5-flash-lite', [1_048_576, 65_536], [0.3, 2.5, 0.03]),
    thinking('gemini-3.1-pro-preview', [1_048_576, 65_536], [2, 12, 0.2], LONG),
    thinking('gemini-3.1-flash-lite', [1_048_576, 65_536], [0.25, 1.5, 0.025]),
    thinking('gemini-3-flash-preview', [1_048_576, 65_536], [0.5, 3, 0.05], { asOf: '2026-08-21' }),
    thinking('gemini-2.5-pro', [1_048_576, 65_536], [1.25, 10, 0.125], LONG),
    thinking('gemini-2.5-flash', [1_048_576, 65_536], [0.3, 2.5, 0.03]),
    thinking('gemini-2.5-flash-lite', [1_048_576, 65_536], [0.1, 0.4, 0.01]),
    embedding('gemini-embedding-001', 2_048, 0.15, { asOf: '2026-08-21' }),
  ],
);
