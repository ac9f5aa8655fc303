"""The state of the desk as an object for the page, with all texts in the officer's language."""

from verify.desk.view.page import page_view
from verify.desk.view.typed import typed_view

__all__ = ["page_view", "typed_view"]
