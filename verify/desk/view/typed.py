"""What was typed so far, as an object for the page."""

from typing import Any

from verify.desk.typed import Field, FieldState, Kind, Typed
from verify.wording import Wording


def typed_view(typed: Typed, wording: Wording) -> dict[str, Any]:
    """Return the fields, a sentence, and whether Enter may read the card."""
    return {
        "complete": typed.complete,
        "right": typed.right,
        "kind": typed.kind.value,
        "text": _sentence(typed, wording),
        "fields": [_field(each, wording) for each in typed.fields],
    }


def _sentence(typed: Typed, wording: Wording) -> str:
    wrong = any(each.state is FieldState.WRONG for each in typed.fields)
    said = ""
    match typed.kind:
        case Kind.EMPTY:
            pass
        case Kind.CAN | Kind.FIELDS:
            said = wording(f"typed.{typed.kind}{'' if typed.complete else '.short'}")
        case Kind.UNKNOWN:
            said = wording("typed.strange", position=typed.strange)
        case Kind.ZONE if typed.missing < 0:
            said = wording.count("typed.surplus", -typed.missing)
        case Kind.ZONE if wrong:
            said = wording("typed.wrong")
        case Kind.ZONE if typed.missing:
            said = wording.count("typed.missing", typed.missing)
        case Kind.ZONE:
            said = wording("typed.right")
    return said


def _field(field: Field, wording: Wording) -> dict[str, Any]:
    return {
        "label": wording(f"field.{field.name}"),
        "state": field.state.value,
        "word": wording(f"field-state.{field.state}"),
        "hints": [
            wording(
                "typed.confusion",
                line=each.line,
                position=each.position,
                read=each.read,
                likely=each.likely,
            )
            for each in field.confusions[:3]
        ],
    }
