import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from told import BASE_URL, KEY, MODEL, QUESTION, V1, called, get_weather, tell


class Place(BaseModel):
    """A place."""

    city: str


def with_each(ask):
    for make in (
        lambda: OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=V1, api_key=KEY)),
        lambda: OpenAIResponsesModel(MODEL, provider=OpenAIProvider(base_url=V1, api_key=KEY)),
        lambda: AnthropicModel(MODEL, provider=AnthropicProvider(base_url=BASE_URL, api_key=KEY)),
    ):
        called.clear()
        asyncio.run(ask(make()))


def chat():
    async def ask(model):
        result = await Agent(model, instructions="Be brief.").run("Say hello")
        assert result.output, result

    with_each(ask)


def stream():
    async def ask(model):
        async with Agent(model).run_stream("Say hello") as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        assert len(pieces) > 1, pieces

    with_each(ask)


def tools():
    async def ask(model):
        result = await Agent(model, tools=[get_weather]).run(QUESTION)
        assert len(called) == 1, result
        assert result.output, result

    with_each(ask)


def structured():
    async def ask(model):
        result = await Agent(model, output_type=Place).run("Which city? Use final_result.")
        assert isinstance(result.output, Place), result

    with_each(ask)


tell(chat, stream, tools, structured)
