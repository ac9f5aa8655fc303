"""The output of `personalise quality`."""

import json

import click

from emrtd.biometrics.quality.measurement import Grade, Measurement
from personalise.preparing.biometrics import Assessments
from support.errors import ExitStatus


def print_quality(assessments: Assessments, *, as_json: bool) -> int:
    """Print the measurements, and return the exit status: 2 if any sample is unusable, else 0."""
    held = any(full.assessment.unusable for full in assessments.values())
    if as_json:
        samples = [
            {
                "field": field,
                "score": full.assessment.score,
                "measurements": [_record(each) for each in full.assessment.measurements],
            }
            for field, full in assessments.items()
        ]
        click.echo(json.dumps({"held": held, "samples": samples}))
    else:
        for field, full in assessments.items():
            click.echo(f"{field}: {full.assessment.score} of 100")
            for each in full.assessment.measurements:
                advice = "" if each.grade is Grade.GOOD else f"; {each.advice}"
                value = f"{each.value:.3g} {each.unit}".strip()
                limits = f"recommended {each.recommended}"
                if each.mandatory is not None:
                    limits += f", mandatory {each.mandatory}"
                click.echo(f"  {each.grade:9} {each.id:33} {value:24} {limits}{advice}")
    return ExitStatus.REFERRED if held else ExitStatus.OK


def _record(measurement: Measurement) -> dict[str, object]:
    limits = (measurement.recommended, measurement.mandatory)
    recommended, mandatory = (None if each is None else [each.least, each.most] for each in limits)
    return {
        "id": measurement.id,
        "value": round(measurement.value, 4),
        "unit": measurement.unit,
        "grade": measurement.grade,
        "recommended": recommended,
        "mandatory": mandatory,
        "advice": measurement.advice,
        "clause": measurement.clause,
    }
