"""Everyday flows of the official Python clients: python flows.py BASE_URL KEY MODEL. Prints one line of JSON for each flow: its name and what came."""

import io
import json
import sys
import time

import anthropic
import openai

base_url, key, model = sys.argv[1:4]
client = openai.OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=1)
claude = anthropic.Anthropic(base_url=base_url, api_key=key, max_retries=1)
user = [{"role": "user", "content": "Say hello"}]
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
tool = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a place", "parameters": parameters}}
question = [{"role": "user", "content": "What is the weather in Paris? Use get_weather."}]


def chat():
    answer = client.chat.completions.create(model=model, messages=user)
    return {"text": answer.choices[0].message.content, "finish": answer.choices[0].finish_reason, "tokens": answer.usage.total_tokens}


def chat_stream():
    text, tokens = "", None
    for chunk in client.chat.completions.create(model=model, messages=user, stream=True, stream_options={"include_usage": True}):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        tokens = chunk.usage.total_tokens if chunk.usage else tokens
    return {"text": text, "tokens": tokens}


def chat_tools():
    first = client.chat.completions.create(model=model, messages=question, tools=[tool], tool_choice="required").choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "21 degrees"} for call in first.tool_calls]
    last = client.chat.completions.create(model=model, messages=[*question, first, *results], tools=[tool])
    return {"called": first.tool_calls[0].function.name, "arguments": json.loads(first.tool_calls[0].function.arguments), "text": last.choices[0].message.content}


def chat_schema():
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": parameters, "strict": True}}
    answer = client.chat.completions.create(model=model, messages=user, response_format=form)
    return {"value": json.loads(answer.choices[0].message.content)}


def chat_error():
    try:
        client.chat.completions.create(model="no-such-model", messages=user)
    except openai.NotFoundError as error:
        return {"code": error.code, "status": error.status_code, "request_id": error.request_id}


def responses():
    answer = client.responses.create(model=model, input="Say hello")
    return {"text": answer.output_text, "status": answer.status, "tokens": answer.usage.total_tokens}


def responses_stream():
    with client.responses.stream(model=model, input="Say hello") as stream:
        kinds = [event.type for event in stream]
        return {"text": stream.get_final_response().output_text, "first": kinds[0], "last": kinds[-1]}


def embeddings():
    answer = client.embeddings.create(model=model if model == "demo" else "text-embedding-3-small", input=["one", "two"])
    return {"indices": [each.index for each in answer.data], "sizes": len({len(each.embedding) for each in answer.data})}


def models():
    return {"listed": any(each.id == model for each in client.models.list())}


def messages():
    answer = claude.messages.create(model=model, max_tokens=100, system="Be brief.", messages=user)
    return {"text": answer.content[0].text, "stop": answer.stop_reason, "tokens": answer.usage.output_tokens}


def messages_stream():
    with claude.messages.stream(model=model, max_tokens=100, messages=user) as stream:
        text = "".join(stream.text_stream)
        return {"text": text, "final": stream.get_final_text()}


def messages_tools():
    claude_tool = {"name": "get_weather", "description": "The weather of a place", "input_schema": parameters}
    first = claude.messages.create(model=model, max_tokens=100, messages=question, tools=[claude_tool], tool_choice={"type": "any"})
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"} for call in calls]
    turns = [*question, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    last = claude.messages.create(model=model, max_tokens=100, messages=turns, tools=[claude_tool])
    return {"called": calls[0].name, "arguments": calls[0].input, "stop": first.stop_reason, "text": last.content[0].text}


def messages_error():
    try:
        claude.messages.create(model="no-such-model", max_tokens=10, messages=user)
    except anthropic.NotFoundError as error:
        return {"type": error.body["error"]["type"], "status": error.status_code}


def until_over(ask, is_over):
    for _ in range(300):
        batch = ask()
        if is_over(batch):
            return batch
        time.sleep(0.1)
    raise TimeoutError(f"the batch is not over: {batch}")


def batch():
    lines = [{"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": {"model": model, "messages": user}} for name in ("one", "two")]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("übung.jsonl", io.BytesIO(text)), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"of": "test"})
    done = until_over(lambda: client.batches.retrieve(made.id), lambda seen: seen.status in ("completed", "failed", "expired", "cancelled"))
    outcomes = [json.loads(line) for line in client.files.content(done.output_file_id).text.splitlines()]
    listed = any(each.id == made.id for each in client.batches.list(limit=1))
    client.files.delete(file.id)
    names, codes = [each["custom_id"] for each in outcomes], [each["response"]["status_code"] for each in outcomes]
    return {"status": done.status, "filename": file.filename, "names": names, "codes": codes, "listed": listed}


def message_batch():
    requests = [{"custom_id": name, "params": {"model": model, "max_tokens": 100, "messages": user}} for name in ("one", "two")]
    made = claude.messages.batches.create(requests=requests)
    done = until_over(lambda: claude.messages.batches.retrieve(made.id), lambda seen: seen.processing_status == "ended")
    results = list(claude.messages.batches.results(made.id))
    return {"succeeded": done.request_counts.succeeded, "names": [each.custom_id for each in results], "kinds": [each.result.type for each in results]}


gpt_flows = (chat, chat_stream, chat_tools, chat_schema, chat_error, responses, responses_stream, embeddings, models)
claude_flows = (messages, messages_stream, messages_tools, messages_error)

for flow in (*gpt_flows, *claude_flows, batch, message_batch):
    try:
        outcome = {"came": flow()}
    except Exception as error:  # noqa: BLE001 what went wrong is for the test to show
        outcome = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps({"flow": flow.__name__, **outcome}), flush=True)
