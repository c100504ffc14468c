"""A widget as a notebook keeps it: itself where it lives, a constant text elsewhere."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def bundle(widget: widgets.Widget, text: str) -> dict[str, Any]:
    """What a notebook shows for a widget: the widget where it lives, the text elsewhere."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": text, WIDGET_VIEW: view}
