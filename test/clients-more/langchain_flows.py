from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from told import BASE_URL, EMBEDDING, KEY, MODEL, QUESTION, V1, called, get_weather, tell

completions = ChatOpenAI(model=MODEL, base_url=V1, api_key=KEY, max_retries=0)
responses = ChatOpenAI(model=MODEL, base_url=V1, api_key=KEY, max_retries=0, use_responses_api=True)
messages = ChatAnthropic(model=MODEL, base_url=BASE_URL, api_key=KEY, max_tokens=500, max_retries=0)
models = (completions, responses, messages)


class Place(BaseModel):
    """A place."""

    city: str


def chat():
    for model in models:
        answer = model.invoke("Say hello")
        assert answer.text, answer
        assert answer.usage_metadata["total_tokens"] > 0, answer


def stream():
    for model in models:
        text = "".join(chunk.text for chunk in model.stream("Say hello"))
        assert text == model.invoke("Say hello").text, text


def agent():
    for model in models:
        called.clear()
        said = create_agent(model, [get_weather]).invoke({"messages": [{"role": "user", "content": QUESTION}]})["messages"]
        assert len(called) == 1, said
        assert said[-1].text, said


def structured():
    for model in models:
        place = model.with_structured_output(Place).invoke("Which city? Answer in json.")
        assert isinstance(place, Place), place


def embeddings():
    model = OpenAIEmbeddings(model=EMBEDDING, base_url=V1, api_key=KEY, check_embedding_ctx_length=False)
    one, two = model.embed_documents(["one", "two"])
    assert len(one) == len(two) > 0
    assert one == model.embed_query("one")


tell(chat, stream, agent, structured, embeddings)
