"""The admin's pages as tests see them."""

import re
from typing import Any

from prompts_app.models import Prompt, PromptVersion


def page(row: Prompt | PromptVersion, name: str = "change") -> str:
    return f"/admin/prompts_app/{row._meta.model_name}/{row.pk}/{name}/"


def text(response: Any) -> str:
    """What a reader sees."""
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def fields(response: Any) -> dict[str, Any]:
    """The page's form, as a browser would send it back."""
    form = response.context["adminform"].form
    return {name: value for name in form.fields if (value := form[name].value()) is not None}
