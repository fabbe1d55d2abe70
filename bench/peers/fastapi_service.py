"""What a team writes first: FastAPI, Pydantic and the official client, with an answer and a stream."""

import json
import os

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI, OpenAIError
from pydantic import BaseModel, Field

upstream = AsyncOpenAI(api_key="sk-upstream-0123456789", base_url=os.environ["UPSTREAM_URL"])
app = FastAPI()


class Ask(BaseModel):
    prompt: str = Field(min_length=1, max_length=8000)
    temperature: float = Field(0.7, ge=0, le=2)
    top_p: float = Field(1.0, ge=0, le=1)
    max_tokens: int = Field(256, ge=1, le=4096)

    def call(self) -> dict:
        return {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": self.prompt}],
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }


class Answer(BaseModel):
    response: str


@app.post("/generate")
async def generate(ask: Ask) -> Answer:
    try:
        completion = await upstream.chat.completions.create(**ask.call())
    except OpenAIError as error:
        raise HTTPException(status_code=502, detail=str(error)) from error
    return Answer(response=completion.choices[0].message.content or "")


@app.post("/generate/stream")
async def stream(ask: Ask) -> StreamingResponse:
    async def events():
        async for chunk in await upstream.chat.completions.create(**ask.call(), stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                yield f"data: {json.dumps({'text': chunk.choices[0].delta.content})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
