"""Pages of HTML: templates that escape what they show, without scripts and outside resources."""

from functools import cache
from typing import TYPE_CHECKING, Final

from support.printable_text import printable

if TYPE_CHECKING:
    from jinja2 import Template

PAGE: Final = b"<!DOCTYPE html>"
"""With this every page begins."""


@cache
def page_template(package: str, name: str) -> "Template":
    """Return the template of this name in a package's folder `templates`.

    Values are escaped, and one that is missing is an error; the filter `printable` replaces what
    is not printable.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    return environment.get_template(name)
