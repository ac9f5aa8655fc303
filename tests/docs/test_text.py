"""Check the documentation against the code: links, commands, examples, paths and tables."""

import ast
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from chipseal.command_line import chipseal
from emrtd import specimens
from emrtd.biometrics.quality import plugins
from emrtd.iso7816.apdu import INS
from emrtd.transport import readers
from personalise.commands.main import personalise
from personalise.preparing.chip_profile import CARD_KINDS, ChipProfile
from support.errors import ExitStatus
from tests.helpers import REPOSITORY
from tests.verify.documents import usual
from verify.commands.main import verify
from verify.judging.check_ids import CHECK_IDS
from verify.judging.policy import load_policy
from vsmartcard.chip.commands import INSTRUCTIONS
from vsmartcard.chip.life_cycle import TRANSITIONS, Event, LifeCycle
from vsmartcard.commands.main import vsmartcard

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
EVERYTHING = [*sorted(REPOSITORY.glob("*.md")), *PAGES]
PROGRAMS: dict[str, click.Command] = {
    "chipseal": chipseal,
    "personalise": personalise,
    "verify": verify,
    "vsmartcard": vsmartcard,
}
EVERYWHERE = {"--debug", "--help", "-h", "--version"}

every_page = pytest.mark.parametrize(
    "page", EVERYTHING, ids=lambda page: str(page.relative_to(REPOSITORY))
)


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield every block of code: the words after its fence ("" if indented), and its text."""
    fenced = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    yield from fenced.findall(text)
    indented = re.compile(r"(?:^(?: {4}.*)?\n)+", re.MULTILINE)
    for match in indented.finditer(fenced.sub("\n", text)):
        if match[0].strip():
            yield "", match[0]


def spans(text: str) -> list[str]:
    """Return the text in backticks outside blocks of code."""
    return re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    )


# --- links -----------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


# --- commands --------------------------------------------------------------------------------


def shown_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each of our commands, in blocks of code and in backticks."""
    lines = [
        line
        for kind, block in blocks(text)
        for line in re.sub(r"\\\n(?:> )?", " ", block).splitlines()
        if not kind.startswith("console") or line.startswith("$ ")
    ]
    for line in lines + spans(text):
        for part in re.split(r" [|&]+ |; ", line.strip().removeprefix("$ ")):
            words = words_of(part)
            while words and re.fullmatch(r"[A-Z_]+=.*|sudo", words[0]):
                words = words[1:]
            if words:
                program = words[0].removeprefix(".venv/bin/")
                if program in PROGRAMS and len(words) > 1:
                    yield [program, *words[1:]]


def words_of(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in a comment after the command
        return line.split()


def problem_with(words: list[str]) -> str | None:
    """Return why this command or option does not exist; None if it exists."""
    command, rest = PROGRAMS[words[0]], words[1:]
    named = words[0]
    while isinstance(command, click.Group):
        if not rest or rest[0] in EVERYWHERE or rest[0] in {"…", "..."}:
            return None
        context = click.Context(command)
        choices = [command.get_command(context, each) for each in rest[0].split("|")]
        if None in choices:
            return f"{named} has no command {rest[0]!r}"
        named, command, rest = f"{named} {rest[0]}", choices[0], rest[1:]  # type: ignore[assignment]
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    for word in rest:
        option = word.strip("[]").partition("=")[0]
        if re.match(r"--?[a-z]", option) and option not in options | EVERYWHERE:
            return f"{named} has no option {option}"
    return None


@every_page
def test_commands_and_options_exist(page: Path) -> None:
    assert [each for words in shown_commands(text_of(page)) if (each := problem_with(words))] == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("    personalise frobnicate X", "no command"),
        ("    $ verify card --reader R --pin 1", "no option --pin"),
        ("```\nprintf x | verify trust ad STORE\n```", "no command"),
        ("use `vsmartcard readers up|sideways`", "no command"),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, problem: str) -> None:
    (words,) = shown_commands(f"text\n\n{line}\n")
    assert problem in (problem_with(words) or "")


def test_commands_are_found_in_the_guides() -> None:
    for name in ("officer.md", "virtual-card.md", "personalisation.md", "pki.md"):
        assert len(list(shown_commands(text_of(REPOSITORY / "docs" / name)))) > 5, name


def leaves(command: click.Command, named: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command of a program that is not a group, with its full name."""
    if not isinstance(command, click.Group):
        yield named, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, f"{named} {name}")


LEAVES = dict(
    leaf
    for name, program in PROGRAMS.items()
    if program is not chipseal  # the same commands under one name
    for leaf in leaves(program, name)
)


@pytest.mark.parametrize("name", LEAVES)
def test_help_has_an_example_that_parses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, *_: value)  # no such files
    command = LEAVES[name]
    head, *lines = (command.epilog or "").replace("\b", "").strip().splitlines()
    assert head in {"Example:", "Examples:"}
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert words[: len(name.split())] == name.split()
        command.make_context(name, words[len(name.split()) :], resilient_parsing=False)


@pytest.mark.parametrize("name", LEAVES)
def test_the_output_option_is_o_and_output(name: str) -> None:
    names = [each.opts for each in LEAVES[name].params]
    assert [each for each in names if ("-o" in each) != ("--output" in each)] == []


@every_page
def test_verbs_of_run_exist(page: Path) -> None:
    script = (REPOSITORY / "run").read_text(encoding="utf-8")
    for verb in re.findall(r"\./run ([a-z]+)", text_of(page)):
        assert re.search(rf"^{verb}\)", script, re.MULTILINE), verb


# --- examples --------------------------------------------------------------------------------

EXAMPLES = [
    pytest.param(kind, code, id=f"{page.stem}-{number}")
    for page in EVERYTHING
    for number, (kind, code) in enumerate(blocks(text_of(page)))
    if kind in {"python", "toml chip-profile", "toml policy"}
]


@pytest.mark.parametrize(("kind", "code"), EXAMPLES)
def test_examples_work(kind: str, code: str, tmp_path: Path) -> None:
    file = tmp_path / "example"
    file.write_text(code, encoding="utf-8")
    match kind:
        case "python":
            exec(compile(code, "example", "exec"), {"__name__": "example"})  # noqa: S102
        case "toml chip-profile":
            ChipProfile.load(str(file))
        case "toml policy":
            load_policy(str(file))


# --- paths -----------------------------------------------------------------------------------

_PACKAGES = "chipseal|emrtd|personalise|support|verify|vsmartcard|tests|bench"

_PLUGIN_GROUPS = {
    readers.ENTRY_POINT_GROUP,
    plugins.ENTRY_POINT_GROUP,
    specimens.ENTRY_POINT_GROUP,
    CARD_KINDS,
}


@every_page
def test_paths_exist(page: Path) -> None:
    for span in spans(text_of(page)):
        path, _, name = span.partition("::")
        if re.fullmatch(rf"(?:{_PACKAGES}|docs|\.ci)/[\w./-]*", path):
            assert (REPOSITORY / path).exists(), span
            assert not name or name in functions_of(REPOSITORY / path), span


@every_page
def test_dotted_names_exist(page: Path) -> None:
    for span in spans(text_of(page)):
        if re.fullmatch(rf"(?:{_PACKAGES})(?:\.\w+)+", span) and span not in _PLUGIN_GROUPS:
            assert resolves(span), span


@cache
def functions_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def resolves(dotted: str) -> bool:
    """Whether this is a module, or an attribute of a module."""
    module, _, attribute = dotted.rpartition(".")
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        return bool(module) and hasattr(importlib.import_module(module), attribute)
    return True


# --- tables ----------------------------------------------------------------------------------


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without backticks."""
    text = text_of(REPOSITORY / "docs" / page)
    section = text.partition(f"# {heading}\n")[2]
    assert section, heading
    table = re.search(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert table is not None, heading
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in table[1].splitlines()
    ]


def test_the_subpackages_in_the_guide_are_those_of_the_code_and_of_the_contracts() -> None:
    text = text_of(REPOSITORY / "docs" / "developer.md")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"]: each for each in project["tool"]["importlinter"]["contracts"]}
    for actor in ("personalise", "verify", "vsmartcard"):
        table = text.partition(f"| `{actor}` | |\n|---|---|\n")[2].partition("\n\n")[0]
        documented = [set(spans(line.split("|")[1])) for line in table.splitlines()]
        layers = contracts[f"{actor} is layered"]["layers"]
        assert documented == [
            {name.strip().removeprefix(f"{actor}.") for name in layer.split("|")}
            for layer in layers
        ]
        modules = (path for path in (REPOSITORY / actor).iterdir() if path.name[0] != "_")
        subpackages = {path.stem for path in modules if path.is_dir() or path.suffix == ".py"}
        assert set().union(*documented) == subpackages


def test_the_officers_guide_lists_exactly_the_checks() -> None:
    assert tuple(row[0] for row in rows("officer.md", "The checks")) == CHECK_IDS


def test_the_reference_of_reports_lists_exactly_the_keys_of_the_object() -> None:
    report = usual().judged()
    listed = rows("reports.md", "The report of a document")
    keys = [key for row in listed for key in re.findall(r"\w+", row[0])]
    assert keys == [*report.as_json(), "tr03135"]


def test_getting_started_lists_exactly_the_extras_and_the_exit_statuses() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {row[0] for row in rows("getting-started.md", "Install it")}
    assert extras == project["project"]["optional-dependencies"].keys()
    statuses = [int(row[0]) for row in rows("getting-started.md", "How the commands behave")]
    assert statuses == list(ExitStatus)


def test_every_installed_chip_profile_is_named_in_its_reference() -> None:
    section = text_of(REPOSITORY / "docs" / "personalisation.md").partition("# The chip profile\n")[
        2
    ]
    profiles = (REPOSITORY / "personalise" / "preparing" / "profiles").glob("*.toml")
    assert {profile.stem for profile in profiles} <= set(spans(section.partition("\n|")[0]))


def test_the_documented_life_cycle_is_that_of_the_chip() -> None:
    def named(state: LifeCycle) -> str:
        return state.name.lower().replace("_", " ")

    expected = [
        [
            named(state),
            f"{state:02X}",
            *(
                named(after)
                if (after := TRANSITIONS.get((state, event))) is not None
                else ("6982" if state is LifeCycle.OPERATIONAL else "6985")
                for event in Event
            ),
        ]
        for state in LifeCycle
    ]
    assert rows("virtual-chip.md", "The life cycle") == expected


def test_the_documented_commands_are_those_of_the_chip() -> None:
    found = {row[0]: row[1:3] for row in rows("virtual-chip.md", "The commands")}
    assert found == {
        f"{ins:02X}": [
            INS(ins).name.removesuffix("_ODD").replace("_", " "),
            instruction.event.name.lower(),
        ]
        for ins, instruction in INSTRUCTIONS.items()
    }


def test_the_guide_warns_that_vpcd_listens_everywhere() -> None:
    assert "**on every network interface" in text_of(REPOSITORY / "docs" / "virtual-card.md")


@pytest.mark.parametrize("program", [personalise, verify, vsmartcard], ids=lambda each: each.name)
def test_every_option_of_every_command_has_help(program: click.Group) -> None:
    def commands(group: click.Group, context: click.Context) -> Iterator[click.Command]:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            assert command.help, name
            if isinstance(command, click.Group):
                yield from commands(command, click.Context(command, parent=context))
            yield command

    for command in commands(program, click.Context(program)):
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, (command.name, option.opts)
