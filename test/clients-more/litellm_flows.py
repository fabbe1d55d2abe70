import json

import litellm
from told import BASE_URL, EMBEDDING, KEY, MODEL, QUESTION, V1, tell

USER = [{"role": "user", "content": "Say hello"}]
ASKED = [{"role": "user", "content": QUESTION}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a place", "parameters": CITY}}
WAYS = (
    {"model": f"openai/{MODEL}", "api_base": V1, "api_key": KEY, "num_retries": 0},
    {"model": f"anthropic/{MODEL}", "api_base": BASE_URL, "api_key": KEY, "num_retries": 0},
)


def chat():
    for way in WAYS:
        answer = litellm.completion(messages=USER, **way)
        assert answer.choices[0].message.content, answer
        assert answer.choices[0].finish_reason == "stop", answer
        assert answer.usage.total_tokens > 0, answer


def stream():
    for way in WAYS:
        chunks = list(litellm.completion(messages=USER, stream=True, **way))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text == litellm.completion(messages=USER, **way).choices[0].message.content, text


def tools():
    for way in WAYS:
        first = litellm.completion(messages=ASKED, tools=[TOOL], tool_choice="required", **way).choices[0].message
        assert [call.function.name for call in first.tool_calls] == ["get_weather"], first
        results = [{"role": "tool", "tool_call_id": call.id, "content": "21 degrees"} for call in first.tool_calls]
        last = litellm.completion(messages=[*ASKED, first, *results], tools=[TOOL], **way)
        assert last.choices[0].message.content, last


def structured():
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY, "strict": True}}
    for way in WAYS:
        answer = litellm.completion(messages=[{"role": "user", "content": "Which city? Answer in json."}], response_format=form, **way)
        assert isinstance(json.loads(answer.choices[0].message.content)["city"], str), answer


def responses():
    answer = litellm.responses(input="Say hello", **WAYS[0])
    assert answer.status == "completed" and answer.output, answer


def embeddings():
    answer = litellm.embedding(model=f"openai/{EMBEDDING}", input=["one", "two"], api_base=V1, api_key=KEY)
    assert [each["index"] for each in answer.data] == [0, 1], answer


def errors():
    for way in WAYS:
        try:
            litellm.completion(messages=USER, **{**way, "model": way["model"].replace(MODEL, "no-such-model")})
        except litellm.NotFoundError:
            continue
        raise AssertionError("nothing was raised")


tell(chat, stream, tools, structured, responses, embeddings, errors)
