import pytest

from tests.requirement import REFUSED_MODULE, fail_if_required, program


def skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        "a test", ("file", 1, "a test"), {}, "skipped", ("file", 1, f"Skipped: {reason}"), "call"
    )


@pytest.mark.parametrize(
    ("required", "reason", "outcome"),
    [
        ("1", "needs mvn", "failed"),
        ("1", f"{REFUSED_MODULE} gmrtd", "skipped"),
        ("0", "needs mvn", "skipped"),
    ],
)
def test_a_skip_is_a_failure_if_interop_is_required(
    monkeypatch: pytest.MonkeyPatch, required: str, reason: str, outcome: str
) -> None:
    monkeypatch.setenv("CHIPSEAL_REQUIRE_INTEROP", required)
    report = skipped(reason)
    fail_if_required(report)
    assert report.outcome == outcome
    assert reason in str(report.longrepr)


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(pytest.skip.Exception, match="needs no-such-program, of the package none"):
        program("no-such-program", "none")
