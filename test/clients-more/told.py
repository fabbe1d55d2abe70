"""How the flows of a client tell what became of them: one line of JSON each, `{"flow": …}` and `"failed": …` where it did not do what it does every day."""

import json
import sys
import traceback

# What a flow is asked for: python X_flows.py BASE_URL KEY MODEL.
BASE_URL, KEY, MODEL = sys.argv[1:4]
V1 = f"{BASE_URL}/v1"
EMBEDDING = MODEL if MODEL == "demo" else "text-embedding-3-small"
QUESTION = "What is the weather in Paris? Use get_weather."


def get_weather(city: str) -> str:
    """The weather of a place."""
    called.append(city)
    return f"21 degrees in {city}"


# Each city that a tool was called with.
called: list[str] = []


def tell(*flows):
    for flow in flows:
        called.clear()
        try:
            flow()
            outcome = {}
        except BaseException as error:  # noqa: BLE001 what went wrong is for the run to show
            where = traceback.extract_tb(error.__traceback__)
            ours = next((f"line {step.lineno}" for step in reversed(where) if step.filename.endswith("_flows.py")), "")
            outcome = {"failed": f"{ours}: {type(error).__name__}: {str(error)[:800]}"}
        print(json.dumps({"flow": flow.__name__, **outcome}), flush=True)
