from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from told import BASE_URL, EMBEDDING, KEY, MODEL, QUESTION, V1, called, get_weather, tell
import asyncio

like = OpenAILike(model=MODEL, api_base=V1, api_key=KEY, is_chat_model=True, is_function_calling_model=True, context_window=16000, max_retries=0)
claude = Anthropic(model=MODEL, base_url=BASE_URL, api_key=KEY, max_retries=0)
# Its own table of models knows only Anthropic's.
models = (like, claude) if MODEL.startswith("claude") else (like,)
embedding = OpenAIEmbedding(model_name=EMBEDDING, api_base=V1, api_key=KEY, max_retries=0)


class Place(BaseModel):
    """A place."""

    city: str


def chat():
    for model in models:
        assert model.chat([ChatMessage(role="user", content="Say hello")]).message.content
        assert model.complete("Say hello").text


def stream():
    for model in models:
        pieces = [piece.delta or "" for piece in model.stream_chat([ChatMessage(role="user", content="Say hello")])]
        assert len(pieces) > 1, pieces
        assert "".join(pieces)


def agent():
    for model in models:
        called.clear()

        async def ask():
            return await FunctionAgent(tools=[get_weather], llm=model).run(QUESTION)

        said = asyncio.run(ask())
        assert len(called) == 1, said
        assert str(said), said


def structured():
    for model in models:
        place = model.as_structured_llm(Place).complete("Which city? Answer in json.").raw
        assert isinstance(place, Place), place


def embeddings():
    one, two = embedding.get_text_embedding_batch(["one", "two"])
    assert len(one) == len(two) > 0


def retrieval():
    index = VectorStoreIndex.from_documents([Document(text="The gate lifts at dawn."), Document(text="Bees make honey.")], embed_model=embedding)
    answer = index.as_query_engine(llm=like, similarity_top_k=1).query("When does the gate lift at dawn?")
    assert str(answer), answer
    assert len(answer.source_nodes) == 1, answer


tell(chat, stream, agent, structured, embeddings, retrieval)
