"""The directive `commands`: every command of a program, with its options and its examples.

They are what `--help` shows, read from the program itself, so the pages cannot be out of date.
"""

import re
from collections.abc import Iterator
from importlib import import_module

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_EVERYWHERE = {"debug", "version"}


class Commands(SphinxDirective):
    """```{commands} MODULE:NAME [PROGRAM]``` describes the commands of a program, one a section."""

    required_arguments = 1
    optional_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        module, attribute = self.arguments[0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        name = " ".join((*self.arguments[1:], attribute))
        return list(_described(click.Context(command, info_name=name)))


def _described(context: click.Context) -> Iterator[nodes.Node]:
    """Yield what a command is, and sections for the commands below it."""
    command = context.command
    usage = command.get_usage(context).removeprefix("Usage: ")
    if context.parent is not None:
        yield nodes.literal_block(usage, " ".join(usage.split()), language="none")
    for text in re.split(r"\n{2,}", command.help or ""):
        if not text.startswith("\b"):
            yield _paragraph(text)
        else:
            block = text.removeprefix("\b\n")
            yield nodes.literal_block(block, block, language="none")
    options = [
        record
        for each in command.params
        if each.name not in _EVERYWHERE and (record := each.get_help_record(context))
    ]
    if options:
        yield nodes.definition_list(
            "", *(_option(names, text) for names, text in options), classes=["options"]
        )
    if command.epilog:
        _, *lines = command.epilog.removeprefix("\b\n").splitlines()
        example = "\n".join(f"$ {line.strip()}" for line in lines)
        yield nodes.literal_block(example, example, language="console")
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield _section(click.Context(below, info_name=name, parent=context))


def _section(context: click.Context) -> nodes.section:
    name = context.command_path
    section = nodes.section(ids=[nodes.make_id(name)], names=[name])
    section += [nodes.title("", name), *_described(context)]
    return section


def _option(names: str, text: str) -> nodes.definition_list_item:
    term = nodes.term("", "", nodes.literal(names, names))
    return nodes.definition_list_item("", term, nodes.definition("", _paragraph(text)))


def _paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph; what is in backticks, and options, are literal."""
    paragraph = nodes.paragraph()
    for part in re.split(r"(`[^`]+`|(?<!\S)--?[a-z][\w-]*)", " ".join(text.split())):
        literal = part.startswith(("`", "-")) and len(part) > 1
        plain = part.strip("`")
        paragraph += nodes.literal(plain, plain) if literal else nodes.Text(part)
    return paragraph


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
