import asyncio

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
from pydantic import BaseModel
from told import KEY, MODEL, QUESTION, V1, called, get_weather, tell

set_tracing_disabled(True)


class Place(BaseModel):
    """A place."""

    city: str


def with_each(ask):
    """A loop of its own for each, and so a client of its own."""
    for made in (OpenAIChatCompletionsModel, OpenAIResponsesModel):
        called.clear()
        asyncio.run(ask(made(model=MODEL, openai_client=AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0))))


def chat():
    async def ask(model):
        result = await Runner.run(Agent(name="host", instructions="Be brief.", model=model), "Say hello")
        assert result.final_output, result
        assert result.context_wrapper.usage.total_tokens > 0, result

    with_each(ask)


def stream():
    async def ask(model):
        result = Runner.run_streamed(Agent(name="host", model=model), "Say hello")
        kinds = [event.type async for event in result.stream_events()]
        assert result.final_output, kinds
        assert "raw_response_event" in kinds, kinds

    with_each(ask)


def tools():
    async def ask(model):
        result = await Runner.run(Agent(name="host", model=model, tools=[function_tool(get_weather)]), QUESTION)
        assert len(called) == 1, result
        assert result.final_output, result

    with_each(ask)


def streamed_tools():
    async def ask(model):
        result = Runner.run_streamed(Agent(name="host", model=model, tools=[function_tool(get_weather)]), QUESTION)
        names = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
        assert names[:2] == ["tool_called", "tool_output"], names
        assert result.final_output, names

    with_each(ask)


def structured():
    async def ask(model):
        result = await Runner.run(Agent(name="host", model=model, output_type=Place), "Which city? Answer in json.")
        assert isinstance(result.final_output, Place), result

    with_each(ask)


def handoff():
    async def ask(model):
        guide = Agent(name="guide", model=model)
        result = await Runner.run(Agent(name="host", model=model, handoffs=[guide]), "Go on with transfer_to_guide.")
        assert result.last_agent.name == "guide", result

    with_each(ask)


tell(chat, stream, tools, streamed_tools, structured, handoff)
