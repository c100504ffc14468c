"""A widget as a notebook keeps it: itself where it lives, a constant text elsewhere."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
from IPython.core.getipython import get_ipython

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

_shown: dict[str, tuple[str, list[widgets.Widget]]] = {}  # by cell: its last run, and what it shows


def bundle(widget: widgets.Widget, text: str) -> dict[str, Any]:
    """What a notebook shows for a widget: the widget where it lives, the text elsewhere.

    What the same cell showed in its run before is closed: else all of it would stay in the kernel,
    and in each saved notebook.
    """
    cell, run = _running()
    if cell:
        last, before = _shown.get(cell, ("", []))
        if last != run:
            for other in before:
                if other is not widget:
                    close(other)
            before = []
        _shown[cell] = run, [*before, widget]
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": text, WIDGET_VIEW: view}


def close(widget: widgets.Widget) -> None:
    """End a widget, what is in it, and what it is laid out and styled by: each is a model."""
    for name in ("layout", "style"):
        if part := getattr(widget, name, None):
            part.close()
    for child in getattr(widget, "children", ()):
        close(child)
    widget.close()


def _running() -> tuple[str, str]:
    """The cell that runs, and which run of it this is; empty where nobody says so."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId", "")
    return cell, parent.get("header", {}).get("msg_id", "")
