"""A short year of two States' PKIs; `./run trial year` lives a long one.

At every event each border post, and OpenSSL with the post's files, must say of the documents what
follows from what was published and from what the post has taken.
"""

from pathlib import Path

from tests.trials.year import Kinds, Length, Year

EVENTS = {
    "signer_stolen",
    "officer_lost",
    "machine_lost",
    "rollover_of_utopia",
    "csca_stolen",
}


def test_posts_with_stores_of_several_ages_judge_as_openssl_does(
    tmp_path: Path,
    home: Path,  # cheap encryption of keys
) -> None:
    length = Length(400, documents_every=50, judged=1, end=245, events=frozenset(EVENTS))
    kinds = Kinds("brainpoolP256r1", "secp256r1"), Kinds("secp384r1", "brainpoolP256r1")
    year = Year(tmp_path, 2026, kinds, length)
    year.run()
    assert year.problems == []
    counts = year.counts
    assert counts["judged"] > 40
    assert min(counts[each] for each in ("passed", "failed", "undetermined")) > 3
    assert counts["cards"] >= 5
    year.home.roots["UT"].clear()
    year.judge()
    assert year.problems, "an expectation that is wrong is noticed"
