"""Reading lines of the structured log, strictly."""

import json
import re
from datetime import datetime
from typing import Any

from support.log import COMPONENTS, LEVELS, Data

KEYS = {"at", "level", "component", "event", "what", "data"}


def parse(text: str) -> list[dict[str, Any]]:
    """Return the lines of a log; each must have the documented schema."""
    lines = [json.loads(line) for line in text.splitlines()]
    for each in lines:
        assert set(each) == KEYS, each
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each["at"])
        datetime.fromisoformat(each["at"])
        assert each["level"] in LEVELS.values()
        assert each["component"] in COMPONENTS
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", each["event"])
        assert isinstance(each["what"], str)
        assert each["data"].keys() <= Data.__annotations__.keys()
    return lines


def events(text: str) -> list[str]:
    """Return the events of a log, in order."""
    return [each["event"] for each in parse(text)]
