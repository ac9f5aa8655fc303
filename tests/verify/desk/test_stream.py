"""The stream of states: what changes by itself while nothing happens at the desk."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from verify.desk.state import Desk
from verify.desk.web import application
from verify.wording import ENGLISH


class Idle:
    """A desk at which nothing happens."""

    def __init__(self) -> None:
        self.desk = Desk()

    async def states(self) -> AsyncIterator[Desk]:
        yield self.desk
        await asyncio.Event().wait()


def test_what_verdicts_rest_on_grows_old_on_an_idle_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "_BEAT_SECONDS", 0.0)
    said = [{"text": "revocation lists in force", "warns": False}]

    async def received() -> list[str]:
        site = application._Site(Idle(), None, lambda _: list(said))  # type: ignore[arg-type]
        stream = site._stream(ENGLISH)
        parts = [await anext(stream), await anext(stream)]
        said[0] = {"text": "revocation lists out of date", "warns": True}
        parts += [await anext(stream), await anext(stream)]
        await stream.aclose()  # type: ignore[attr-defined]
        return parts

    first, silent, changed, after = asyncio.run(received())
    assert (silent, after) == (": alive\n\n", ": alive\n\n")
    grounds: list[Any] = [json.loads(each[6:])["grounds"] for each in (first, changed)]
    assert grounds[0][0]["text"] == "revocation lists in force"
    assert grounds[1] == said
