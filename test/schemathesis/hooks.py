"""What a request has to say to be taken, and no schema can."""

import itertools
import os

import schemathesis
from hypothesis import strategies as st

# The demo models that fail on purpose are listed like any other, and found there: what they do is no fault of the service.
FAILING = {"demo-slow", "demo-flaky", "demo-429", "demo-cut"}
KEY_HEADER = "Idempotency-Key"
KEY_CHARS_MAX = 255
# Who calls: without the account the rest of the pass would be answered 401.
CALLER = os.environ["SCHEMATHESIS_CALLER"]

numbers = itertools.count()
schemathesis.openapi.format("line-of-text", st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1))
schemathesis.openapi.format("cron", st.sampled_from(["30 6 * * mon-fri", "*/15 * * * *", "0 0 1,15 * *", "@daily"]))
schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Madrid", "America/Los_Angeles", "Asia/Kathmandu"]))


@schemathesis.hook
def before_call(context, case, kwargs):
    avoid_failing_models(case)
    take_a_new_key(case)
    spare_the_caller(case)
    watch_nothing_without_end(case)


def avoid_failing_models(case):
    model = case.body.get("model") if isinstance(case.body, dict) else None
    if isinstance(model, str) and model.removeprefix("demo/") in FAILING:
        case.body["model"] = "demo"


def take_a_new_key(case):
    """The same key with another body is refused. What is no key stays what it is."""
    key = (case.headers or {}).get(KEY_HEADER)
    if isinstance(key, str) and 0 < len(key) <= KEY_CHARS_MAX:
        case.headers[KEY_HEADER] = f"{key}{next(numbers)}"[-KEY_CHARS_MAX:]


def spare_the_caller(case):
    changes = case.operation.path == "/api/v1/users/{id}" and case.method != "GET"
    if changes and case.path_parameters.get("id") == CALLER:
        case.path_parameters["id"] = "usr_nobody"


def watch_nothing_without_end(case):
    """Who watches a job that waits is answered as long as it does."""
    if case.operation.path == "/api/v1/jobs/{id}/events":
        case.path_parameters["id"] = "job_none"
