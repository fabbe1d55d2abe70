"""The way a Python service does it: transformers and torch on the CPU, in float32. Reads a line with a job, does it, and writes a line with what it took."""

import json
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
# TinyLlama 1.1B, with random weights.
SHAPE = LlamaConfig(
    vocab_size=32_000,
    hidden_size=2048,
    intermediate_size=5632,
    num_hidden_layers=22,
    num_attention_heads=32,
    num_key_value_heads=4,
    max_position_embeddings=2048,
)
model = LlamaForCausalLM(SHAPE).eval()
END = SHAPE.eos_token_id


class Times:
    """What generate() takes for a streamer: it is given the prompt first, and then each token."""

    def __init__(self):
        self.at = []

    def put(self, _):
        self.at.append(time.perf_counter())

    def end(self):
        pass


def take(prompt_tokens: int, tokens: int) -> dict:
    asked = torch.randint(10, 30_000, (1, prompt_tokens))
    times = Times()
    started = time.perf_counter()
    with torch.inference_mode():
        model.generate(
            input_ids=asked,
            attention_mask=torch.ones_like(asked),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            streamer=times,
            pad_token_id=END,
        )
    _, first, *_, last = times.at
    return {"promptTokens": prompt_tokens, "promptMs": (first - started) * 1000, "tokens": tokens - 1, "generationMs": (last - first) * 1000}


print("{}", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps(take(job["promptTokens"], job["tokens"])), flush=True)
