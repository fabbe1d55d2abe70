"""Sluice with nothing but Python's own library: an answer, a stream, a ready task behind a sign-in, and a template.

SLUICE_URL=http://127.0.0.1:8000 SLUICE_PASSWORD=… python3 examples/sluice.py
"""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8000").rstrip("/")
USERNAME = os.environ.get("SLUICE_USERNAME", "admin")
PASSWORD = os.environ.get("SLUICE_PASSWORD")
TIMEOUT_S = 60


def call(path, body=None, token=None):
    """Opens a request; the answer is read by the caller."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    sent = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(URL + path, sent, headers), timeout=TIMEOUT_S)


def ask(path, body=None, token=None):
    with call(path, body, token) as answer:
        return json.load(answer)


def stream(path, body):
    """Yields (event, text) for each Server-Sent Event."""
    event, lines = "message", []
    with call(path, body) as answer:
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data:"):
                lines.append(line[5:].removeprefix(" "))
            elif line == "" and lines:
                yield event, "\n".join(lines)
                event, lines = "message", []


def main():
    if not PASSWORD:
        sys.exit("SLUICE_PASSWORD is needed: the password of the first user, printed once by the first start, or your ADMIN_PASSWORD")

    print("# An answer")
    answer = ask("/generate", {"prompt": "Say hello in one sentence."})
    print(answer["response"], f"({answer['model']}, {answer['usage']['total_tokens']} tokens, {answer['cost_usd']} USD)")

    print("# The same, piece by piece")
    for event, text in stream("/generate?stream=true", {"prompt": "Count to five."}):
        if event == "message":
            print(text, end="", flush=True)
        elif event == "done":
            print(f"\n(finished: {json.loads(text)['finish_reason']})")
        elif event == "error":
            sys.exit(f"\nthe stream broke off: {text}")

    print("# Sign in, then a task")
    token = ask("/auth/login", {"username": USERNAME, "password": PASSWORD})["access_token"]
    analysis = ask("/analyze", {"text": "What a splendid morning this is!"}, token)
    print(analysis["sentiment"], analysis["score"])

    print("# A template")
    print(ask("/api/v1/generate", {"template_id": "translate_v1", "input": "Good morning", "parameters": {"target_language": "French"}}, token)["output"])


if __name__ == "__main__":
    try:
        main()
    except urllib.error.HTTPError as refused:
        # Every error of Sluice has this form.
        error = json.load(refused)["error"]
        sys.exit(f"{error['status']} {error['code']}: {error['message']} (request {error['request_id']})")
    except urllib.error.URLError as unreachable:
        sys.exit(f"no answer from {URL}: {unreachable.reason}. Is it running? Start it with: make start")
