"""Verbs as pages of the admin: what will happen, why, and one button."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from prompts_app import history, services
from prompts_app.admin_forms import WhyForm
from prompts_app.changes import By
from prompts_app.exceptions import EditConflict, PromptError
from prompts_app.models import Prompt, PromptVersion
from prompts_app.publish_checks import Objection, objections

PUBLISH = "prompts_app.publish_prompt"
EDIT = "prompts_app.change_prompt"
TRY = "prompts_app.try_prompt"
Status = PromptVersion.Status


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One button."""

    slug: str
    label: str
    icon: str
    permission: str
    run: Callable[..., object]
    """Called with the prompt's name (and the version's label) and `By`."""
    fits: Callable[[Any], bool]
    """Whether it makes sense for that row now."""
    says: Callable[[Any], str]
    """What will happen, in a sentence or two."""
    done: str
    danger: bool = False
    objections: Callable[[Any], Sequence[Objection]] = lambda row: ()
    """What stands against it at this moment, and where that is put right."""


def _roll_back_says(prompt: Prompt) -> str:
    target = history.previous_traffic(prompt)
    if target is None:
        return "There is nothing to roll back to."
    before = live_in_words(target["active_version"], target["traffic_split"])
    return f"{prompt.name} returns to what was live before the last change: {before}. {_now_live(prompt)}"


def _now_live(prompt: Prompt) -> str:
    return f"Now live: {live_in_words(prompt.active_version, prompt.traffic_split)}."


def live_in_words(active: object, split: dict[str, int]) -> str:
    if split:
        return ", ".join(f"{label} {percent} %" for label, percent in split.items())
    return f"{active or 'nothing'} for everybody"


PROMPT_VERBS = (
    Verb(
        slug="roll-back",
        label="Roll back",
        icon="undo",
        permission=PUBLISH,
        run=services.roll_back,
        fits=lambda prompt: history.previous_traffic(prompt) is not None,
        says=_roll_back_says,
        done="Rolled back. Every worker follows within a second.",
        danger=True,
    ),
    Verb(
        slug="archive",
        label="Archive",
        icon="archive",
        permission=PUBLISH,
        run=services.archive_prompt,
        fits=lambda prompt: not prompt.archived,
        says=lambda prompt: (
            f"Callers of {prompt.name} get “not found” until it is restored. Nothing is lost."
        ),
        done="Archived.",
        danger=True,
    ),
    Verb(
        slug="restore",
        label="Restore",
        icon="unarchive",
        permission=PUBLISH,
        run=services.restore_prompt,
        fits=lambda prompt: prompt.archived,
        says=lambda prompt: f"{prompt.name} answers again, with what was live when it was archived.",
        done="Restored.",
    ),
)

VERSION_VERBS = (
    Verb(
        slug="publish",
        label="Publish",
        icon="publish",
        permission=PUBLISH,
        run=services.publish_version,
        fits=lambda version: version.status == Status.DRAFT,
        says=lambda version: (
            f"{version.label} never changes again, and can be made live. Publishing alone makes nothing live."
        ),
        done="Published. Make it live when you are ready.",
        objections=objections,
    ),
    Verb(
        slug="make-live",
        label="Make live",
        icon="rocket_launch",
        permission=PUBLISH,
        run=services.activate_version,
        fits=lambda version: version.status == Status.PUBLISHED and not _alone_live(version),
        says=lambda version: (
            f"Every call of {version.prompt.name} is answered by {version.label}. {_now_live(version.prompt)}"
        ),
        done="Live. Every worker follows within a second.",
    ),
    Verb(
        slug="archive",
        label="Archive",
        icon="archive",
        permission=PUBLISH,
        run=services.archive_version,
        fits=lambda version: version.status == Status.PUBLISHED and not _is_live(version),
        says=lambda version: (
            f"{version.label} can no longer be made live until it is restored. Nothing is lost."
        ),
        done="Archived.",
    ),
    Verb(
        slug="restore",
        label="Restore",
        icon="unarchive",
        permission=PUBLISH,
        run=services.restore_version,
        fits=lambda version: version.status == Status.ARCHIVED,
        says=lambda version: f"{version.label} can be made live again.",
        done="Restored.",
    ),
)


class VerbAdmin(ModelAdmin):
    """Saves through verbs: what they refuse becomes an error on the form, and nothing typed is lost."""

    verbs: Sequence[Verb] = ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        context = (extra_context or {}) | {"show_save_and_add_another": False}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except PromptError as exc:
            again = (
                " What you typed is kept: save again to overwrite." if isinstance(exc, EditConflict) else ""
            )
            request.refusal = f"{exc}.{again}"  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"refusal": getattr(request, "refusal", "")})

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<int:pk>/{verb.slug}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb)),
                name=f"prompts_app_{self.model._meta.model_name}_{verb.slug}",
            )
            for verb in self.verbs
        ]
        return [*pages, *super().get_urls()]

    def verb_view(self, request: HttpRequest, pk: int, *, verb: Verb) -> HttpResponse:
        """Asks on GET, does it on POST."""
        row = get_object_or_404(self.model, pk=pk)
        if not request.user.has_perm(verb.permission):
            raise PermissionDenied
        seen = {"seen_revision": request.GET.get("seen", prompt_of(row).revision)}
        form = WhyForm(request.POST if request.method == "POST" else None, initial=seen)
        if form.is_valid():
            try:
                verb.run(**subject(row), **_by(request, form))
                messages.success(request, verb.done)
            except PromptError as exc:
                messages.error(request, str(exc))
            return redirect(page_of(prompt_of(row)))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"{verb.label} {row}",
            "original": prompt_of(row),
            "verb": verb,
            "says": verb.says(row),
            "objections": verb.objections(row),
            "form": form,
            "back": page_of(row),
        }
        return TemplateResponse(request, "admin/prompts_app/verb.html", context)

    def buttons(self, request: HttpRequest, row: Any) -> list[tuple[Verb, str]]:
        """The verbs that fit `row` and that its user may do, with their addresses.

        What is done there is done to the row as it is shown here.
        """
        name = f"admin:prompts_app_{self.model._meta.model_name}_"
        seen = f"?seen={prompt_of(row).revision}"
        return [
            (verb, reverse(f"{name}{verb.slug}", args=[row.pk]) + seen)
            for verb in self.verbs
            if verb.fits(row) and request.user.has_perm(verb.permission)
        ]


def _by(request: HttpRequest, form: WhyForm) -> By:
    sent = form.cleaned_data
    return {
        "actor": request.user.get_username(),
        "door": "admin",
        "why": sent["why"],
        "expected_revision": sent["seen_revision"],
    }


def subject(row: Prompt | PromptVersion) -> dict[str, str]:
    """How the verbs call `row`."""
    if isinstance(row, Prompt):
        return {"prompt": row.name}
    return {"prompt": row.prompt.name, "version": row.label}


def prompt_of(row: Prompt | PromptVersion) -> Prompt:
    return row if isinstance(row, Prompt) else row.prompt


def page_of(row: Prompt | PromptVersion) -> str:
    return reverse(f"admin:prompts_app_{row._meta.model_name}_change", args=[row.pk])


def new_version_url(prompt: Prompt) -> str:
    return reverse("admin:prompts_app_promptversion_add") + f"?prompt={prompt.pk}"


def _alone_live(version: PromptVersion) -> bool:
    return version.prompt.active_version_id == version.pk and not version.prompt.traffic_split


def _is_live(version: PromptVersion) -> bool:
    return version.prompt.active_version_id == version.pk or version.label in version.prompt.traffic_split
