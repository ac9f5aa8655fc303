"""The page for people: axe-core, keyboard alone, a phone's width, languages, and the lock."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open, Post
from tests.security.copies import clone_of
from tests.verify.documents import CAN, usual

LINES = "\n".join(usual().how.mrz.lines)
PHONE = {"width": 390, "height": 844}
LOOKS: list[dict[str, Any]] = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"viewport": PHONE},
    {"color_scheme": "dark", "viewport": PHONE},
]


def names(look: dict[str, Any]) -> str:
    return "-".join((look.get("color_scheme", "light"), "phone" if "viewport" in look else "desk"))


def check(post: Post, where: str) -> None:
    """Run axe-core on the page as it is; nothing serious may be found."""
    if not post.window.evaluate("'axe' in window"):
        post.window.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    found = post.window.evaluate("axe.run({resultTypes: ['violations']})")
    serious = [
        (each["id"], [node["target"] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
    assert serious == [], where


def is_not_wider_than_its_window(post: Post) -> bool:
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(post.window.evaluate(width))


@pytest.mark.parametrize("look", LOOKS, ids=names)
def test_axe_finds_nothing_serious_on_any_screen(open_post: Open, look: dict[str, Any]) -> None:
    post = open_post(bypass_csp=True, reduced_motion="reduce", **look)
    check(post, "ready")
    post.put(usual())
    post.phase("asking")
    post.window.keyboard.type(LINES[:20].replace("U1", "UI"))
    post.window.locator(".mark.wrong").wait_for()
    check(post, "typing")
    post.window.locator("#typed").fill("")
    post.scan("654321")
    post.phase("asking.warn")
    check(post, "wrong password")
    post.scan(LINES)
    report = post.verdict("accept")
    report.locator(".face img").wait_for()
    for each in report.locator("details").all():
        each.evaluate("(details) => { details.open = true; }")
    check(post, "accepted")
    assert is_not_wider_than_its_window(post)
    report.get_by_role("button", name="Enlarge: Portrait on the chip").click()
    post.window.locator("dialog img").wait_for()
    check(post, "dialog")
    low = post.window.locator("dialog img").bounding_box()
    for _ in range(4):
        post.window.get_by_role("button", name="Larger").click()
    high = post.window.locator("dialog img").bounding_box()
    assert low is not None
    assert high is not None
    assert high["height"] == pytest.approx(4 * low["height"], rel=0.02)
    check(post, "dialog, enlarged")
    assert is_not_wider_than_its_window(post)
    post.window.keyboard.press("Escape")
    post.window.get_by_role("button", name="Lock").click()
    post.phase("locked")
    check(post, "locked")


@pytest.mark.parametrize("look", LOOKS[1:3], ids=names)
def test_axe_finds_nothing_serious_in_a_rejection(open_post: Open, look: dict[str, Any]) -> None:
    post = open_post(bypass_csp=True, reduced_motion="reduce", locale="de-DE", **look)
    post.scan(LINES)
    post.put(clone_of(usual()))
    post.verdict("reject").locator(".face img").wait_for()
    assert post.title == "ZURÜCKWEISEN"
    check(post, "rejected")
    assert is_not_wider_than_its_window(post)


def test_at_200_percent_nothing_is_cut_off(open_post: Open) -> None:
    post = open_post(viewport={"width": 640, "height": 400})
    assert is_not_wider_than_its_window(post)
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept").locator(".face img").wait_for()
    assert is_not_wider_than_its_window(post)


def test_the_keyboard_alone(post: Post) -> None:
    post.scan(LINES)
    post.put(usual())
    report = post.verdict("accept")
    report.locator(".face img").wait_for()
    reached: list[str] = []
    for _ in range(40):
        post.window.keyboard.press("Tab")
        reached.append(
            post.window.evaluate(
                "(document.activeElement.innerText || document.activeElement.ariaLabel || '')"
                ".trim()"
            )
        )
    text = "\n".join(reached)
    for label in ("Read again", "Next card", "Read", "Choose", "Grounds of the verdict", "Lock"):
        assert label in text, label
    assert any("checks passed" in each for each in reached)
    post.window.get_by_role("button", name="Enlarge: Portrait on the chip").focus()
    post.window.keyboard.press("Enter")
    post.window.locator("dialog[open]").wait_for()
    post.window.keyboard.press("Escape")
    post.window.locator("dialog[open]").wait_for(state="detached")


def test_the_verdict_is_announced(post: Post) -> None:
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept")
    alert = post.window.get_by_role("alert")
    assert alert.inner_text().startswith("ACCEPT. The chip is genuine")


def test_a_scan_is_received_wherever_the_focus_is(post: Post) -> None:
    post.window.locator("#sound").focus()
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept")


def test_german_in_full(open_post: Open) -> None:
    post = open_post(locale="de-DE")
    post.scan(LINES)
    post.put(usual())
    report = post.verdict("accept")
    assert post.window.evaluate("document.documentElement.lang") == "de"
    report.locator("details").evaluate_all("all => all.forEach((each) => (each.open = true))")
    shown = post.window.locator("body").inner_text()
    assert "der SHA-256-Hash von DG1 ist der in EF.SOD" in shown
    assert "Vereinigtes Königreich (GBR)" in shown
    for english in ("Holder", "Reader", "Lock", "Language", "checks", "Nationality", "imported",
                    "the", "is", "not", "has", "of", "passed"):  # fmt: skip
        assert not re.search(rf"\b{english}\b", shown), english
    post.window.locator("#language").select_option("en")
    report.get_by_text("What the holder may do").wait_for()


def test_large_controls_have_a_keypad_and_are_remembered(post: Post) -> None:
    assert post.window.locator("#keypad button").count() == 0
    post.window.get_by_role("button", name="Large controls").click()
    for digit in CAN:
        post.window.locator("#keypad").get_by_role("button", name=digit).click()
    post.window.get_by_text("A CAN. Press Enter.").wait_for()
    post.put(usual())
    post.window.get_by_role("button", name="Read", exact=True).click()
    post.verdict("accept")
    post.window.reload()
    post.verdict("accept")  # the window still has the desk
    assert post.window.locator("html.large").count() == 1


def test_the_report_is_saved_where_the_officer_wants_it(post: Post, tmp_path: Path) -> None:
    post.scan(LINES)
    post.put(usual())
    report = post.verdict("accept")
    with post.window.expect_download() as download:
        report.get_by_role("button", name="Save the report").click()
    assert download.value.suggested_filename == "report-1.html"
    download.value.save_as(tmp_path / "saved.html")
    assert "MUSTERMANN" in (tmp_path / "saved.html").read_text()


def test_a_live_picture_stays_in_the_window(post: Post) -> None:
    from tests.verify.documents import face

    post.scan(LINES)
    post.put(usual())
    report = post.verdict("accept")
    report.locator(".face img").wait_for()
    sent = len(post.requested)
    picture = {"name": "live.jpg", "mimeType": "image/jpeg", "buffer": face()}
    report.locator("input[type=file]").set_input_files(picture)  # type: ignore[arg-type]
    report.locator(".live img").wait_for()
    report.get_by_role("button", name="Enlarge: Live image").click()
    assert post.window.locator("dialog img").count() == 2
    assert all(each.startswith("blob:") for each in post.requested[sent:])


WATCHED = """
window.asked = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => {
  window.asked++;
  window.wanted = wanted;
  return Promise.all([ask(wanted), window.held]).then(([stream]) => (window.stream = stream));
};
window.tones = [];
window.contexts = [];
const Context = window.AudioContext;
window.AudioContext = class extends Context {
  constructor() { super(); window.contexts.push(this); }
  createOscillator() {
    const tone = super.createOscillator();
    window.tones.push(tone);
    return tone;
  }
};
"""
"""Counts what the page asks the camera and the loudspeaker for, and lets it through."""


def until(post: Post, condition: str) -> None:
    """Wait in the page, whose policy allows no `eval`, as playwright's own wait needs it."""
    wait = (
        "new Promise((done, late) => { setTimeout(late, 20000);"
        " const look = () => (CONDITION ? done() : setTimeout(look, 20)); look(); })"
    )
    post.window.evaluate(wait.replace("CONDITION", condition))


def watched(post: Post) -> Post:
    post.window.add_init_script(WATCHED)
    post.window.reload()
    post.phase("ready")
    return post


def test_the_camera_is_asked_for_only_when_it_is_chosen(open_post: Open) -> None:
    post = watched(open_post(permissions=["camera"]))
    post.scan(LINES)
    post.put(usual())
    live = post.verdict("accept").locator(".live")
    live.get_by_role("button", name="Camera").wait_for()
    assert post.window.evaluate("window.asked") == 0
    sent = len(post.requested)
    live.get_by_role("button", name="Camera").click()
    live.locator("video").wait_for()
    until(post, "document.querySelector('.live video').videoWidth > 0")
    assert post.window.evaluate("[window.asked, window.wanted.audio]") == [1, False]
    live.get_by_role("button", name="Take the picture").click()
    live.locator("img").wait_for()
    assert post.window.evaluate("window.stream.getTracks()[0].readyState") == "ended"
    live.get_by_role("button", name="Enlarge: Live image").click()
    assert post.window.locator("dialog img").count() == 2
    assert all(each.startswith("blob:") for each in post.requested[sent:])
    assert post.problems == []


def test_the_camera_ends_with_the_result(open_post: Open) -> None:
    post = watched(open_post(permissions=["camera"]))
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept").get_by_role("button", name="Camera").click()
    until(post, "window.stream?.active")
    post.window.get_by_role("button", name="Lock").click()
    post.phase("locked")
    until(post, "!window.stream.active")


def test_a_camera_that_is_allowed_too_late_is_not_used(open_post: Open) -> None:
    post = watched(open_post(permissions=["camera"]))
    post.window.evaluate("void (window.held = new Promise((done) => (window.release = done)))")
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept").get_by_role("button", name="Camera").click()
    post.window.get_by_role("button", name="Lock").click()
    post.phase("locked")
    post.window.evaluate("window.release()")
    until(post, "window.stream && !window.stream.active")


def test_a_camera_that_is_refused_is_said(open_post: Open) -> None:
    post = watched(open_post())
    post.scan(LINES)
    post.put(usual())
    live = post.verdict("accept").locator(".live")
    live.get_by_role("button", name="Camera").click()
    live.get_by_role("status").wait_for()
    assert post.window.evaluate("window.asked") == 1
    live.get_by_text("Choose a picture").wait_for()


def test_a_sound_is_played_only_when_it_is_chosen(open_post: Open) -> None:
    post = watched(open_post())
    post.scan(LINES)
    card = post.put(usual())
    post.verdict("accept")
    assert post.window.evaluate("window.contexts.length") == 0
    post.window.get_by_role("button", name="Sound").click()
    card.take_out()
    post.scan(LINES)
    post.put(clone_of(usual()))
    post.verdict("reject")
    until(post, "window.contexts[0]?.state === 'running'")
    assert post.window.evaluate("window.tones.length") == 2
    assert post.window.evaluate("window.tones.map((each) => each.frequency.value)") == [300, 220]
    post.window.reload()
    sound = post.window.get_by_role("button", name="Sound")
    assert sound.get_attribute("aria-pressed") == "true"


def test_a_page_that_lost_its_stream_shows_everything_again(post: Post) -> None:
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept")
    post.window.context.set_offline(True)
    post.window.locator("#language").select_option("de")  # it ends the stream
    post.phase("away")
    post.window.context.set_offline(False)
    post.verdict("accept").locator(".face img").wait_for()
    assert post.window.locator("#history li").count() == 1
    assert post.title == "ANNEHMEN"


def test_locking_leaves_nothing_of_a_person_in_the_page(post: Post) -> None:
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept").locator(".face img").wait_for()
    assert "MUSTERMANN" in post.window.content()
    post.window.get_by_role("button", name="Lock").click()
    post.phase("locked")
    left = post.window.content()
    for personal in ("MUSTERMANN", "ZU1234567", "blob:", "1990"):
        assert personal not in left, personal


def test_what_was_typed_and_left_is_forgotten(post: Post) -> None:
    post.window.clock.install()
    post.window.reload()
    post.phase("ready")
    field = post.window.locator("#typed")
    field.type(LINES[:60])
    post.window.clock.fast_forward(14 * 60 * 1000)
    assert field.input_value() == LINES[:60]
    field.type("<")
    post.window.clock.fast_forward(14 * 60 * 1000)
    assert field.input_value() != ""
    post.window.clock.fast_forward(61 * 1000)
    assert field.input_value() == ""


def test_a_second_page_says_that_the_desk_is_open_elsewhere(post: Post) -> None:
    second = post.window.context.new_page()
    second.goto(post.url.partition("?")[0])
    second.get_by_text("The desk is open in another window").first.wait_for()
    used = second.goto(post.url)
    assert used is not None
    assert used.status == 403
    other = post.window.context.browser.new_context().new_page()  # type: ignore[union-attr]
    refused = other.goto(post.url.partition("?")[0])
    assert refused is not None
    assert refused.status == 403
    other.context.close()
    post.put(usual())
    post.phase("asking")  # the first page goes on
