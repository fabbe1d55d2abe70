import anthropic
import instructor
import openai
from pydantic import BaseModel
from told import BASE_URL, KEY, MODEL, V1, tell

client = openai.OpenAI(base_url=V1, api_key=KEY, max_retries=0)
claude = anthropic.Anthropic(base_url=BASE_URL, api_key=KEY, max_retries=0)
QUESTION = [{"role": "user", "content": "Which city? Answer in json."}]


class Place(BaseModel):
    """A place."""

    city: str


def filled(mode):
    place = instructor.from_openai(client, mode=mode).chat.completions.create(model=MODEL, messages=QUESTION, response_model=Place, max_retries=0)
    assert isinstance(place, Place) and place.city, place


def by_tools():
    filled(instructor.Mode.TOOLS)


def by_schema():
    filled(instructor.Mode.JSON_SCHEMA)


def by_responses():
    made = instructor.from_openai(client, mode=instructor.Mode.RESPONSES_TOOLS)
    place = made.responses.create(model=MODEL, input="Which city?", response_model=Place, max_retries=0)
    assert isinstance(place, Place) and place.city, place


def by_messages():
    made = instructor.from_anthropic(claude)
    place = made.messages.create(model=MODEL, max_tokens=500, messages=QUESTION, response_model=Place, max_retries=0)
    assert isinstance(place, Place) and place.city, place


def in_pieces():
    pieces = list(instructor.from_openai(client).chat.completions.create_partial(model=MODEL, messages=QUESTION, response_model=Place))
    assert pieces and pieces[-1].city, pieces


tell(by_tools, by_schema, by_responses, by_messages, in_pieces)
