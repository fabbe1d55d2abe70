import { thinking, vendor } from './vendor.ts';

export const groq = vendor({ id: 'groq', name: 'Groq', hosts: ['api.groq.com'] }, { asOf: '2026-09-07', source: 'https://console.groq.com/docs/models' }, [
  thinking('openai/gpt-oss-120b', [131_072, 65_536], [0.15, 0.6, 0.075], { lacks: ['images'] }),
  thinking('openai/gpt-oss-20b', [131_072, 65_536], [0.075, 0.3, 0.0375], { lacks: ['images'] }),
  thinking('qwen/qwen3.8-27b', [131_072, 65_536], [0.8, 4], { lacks: ['json_schema', 'images'] }),
]);
