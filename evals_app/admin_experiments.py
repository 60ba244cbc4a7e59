"""Experiments in the admin: write a plan, start it, watch it, conclude it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from evals_app import experiment_pages as pages
from evals_app.admin_display import STYLES
from evals_app.admin_experiment_verbs import VERBS, Verb
from evals_app.exceptions import EvalError
from evals_app.experiment_forms import FORMS, WhyForm, written
from evals_app.experiments import services
from evals_app.experiments.forecast import Forecast
from evals_app.experiments.looking import kept_report, look
from evals_app.experiments.measures import Measure
from evals_app.experiments.plans import ExperimentPlan
from evals_app.models import Experiment
from prompts_app.changes import By

State = Experiment.State
STATES = {
    State.DRAFT: "info",
    State.RUNNING: "primary",
    State.PAUSED: "warning",
    State.STOPPED: "warning",
    State.SHIPPED: "success",
    State.KEPT: "success",
    State.BACK: "danger",
}
VERDICTS = {"better": "success", "not worse": "success", "worse": "danger", "inconclusive": "warning"}
RUN = "evals_app.run_experiment"
PAGE = "admin:evals_app_experiment_change"


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):
    list_display = ("name", "prompt", "kind", "status", "verdict", "units", "started_at")
    list_filter = ("state", "kind", "prompt")
    search_fields = ("name", "prompt")
    list_per_page = 50
    actions = None

    class Media:
        css = STYLES

    @display(description="state", label=STATES, ordering="state")
    def status(self, row: Experiment) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description="verdict", label=VERDICTS | {"unhealthy": "danger"})
    def verdict(self, row: Experiment) -> str | None:
        report = kept_report(row)
        if report is None:
            return None
        return report.comparisons[0].verdict if report.health.good else "unhealthy"

    @display(description="units")
    def units(self, row: Experiment) -> str:
        report = kept_report(row)
        return f"{report.units:,}" if report else "—"

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        name = "evals_app_experiment"
        verbs = [
            path(
                f"<int:pk>/{verb.slug}/",
                guarded(partial(self.verb_view, verb=verb)),
                name=f"{name}_{verb.slug}",
            )
            for verb in VERBS
        ]
        return [
            *verbs,
            path("<int:pk>/edit/", guarded(self.edit_view), name=f"{name}_edit"),
            path("<int:pk>/delete-plan/", guarded(self.delete_plan_view), name=f"{name}_delete_plan"),
            path("<int:pk>/look/", guarded(self.look_view), name=f"{name}_look"),
            path("<int:pk>/ship/<str:version>/", guarded(self.ship_view), name=f"{name}_ship"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        kind = request.GET.get("kind", "experiment")
        form_class = FORMS.get(kind, FORMS["experiment"])
        start = {name: value for name, value in request.GET.items() if name != "kind"}
        form = form_class(request.POST if request.method == "POST" else None, initial=start)
        return self._plan_page(request, form, title=f"New {form.kind}", new=True)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._row(request, pk)
        if not self.has_change_permission(request):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else None
        form = FORMS[row.kind](sent, initial=written(row.written))
        form.fields["name"].disabled = True
        return self._plan_page(request, form, title=f"Plan of {row}", back=reverse(PAGE, args=(pk,)))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        plan, report = row.written, kept_report(row)
        expected, usual = self._expected(row)
        return self._page(
            request,
            "experiment",
            title=row.name,
            row=row,
            plan=plan,
            arms=pages.arms_in_words(row),
            words=pages.in_words(plan),
            report=report,
            panels=pages.panels(row, plan, report) if report else (),
            table=pages.arm_table(report) if report else (),
            scores=pages.score_charts(report) if report else (),
            matrix=pages.win_matrix(report) if report else (),
            judging=pages.judging(row, plan),
            expected=expected,
            usual=usual,
            steps=self._steps(row),
            buttons=self._buttons(request, row),
            ships=pages.ships(plan, report),
            may_ship=request.user.has_perm(RUN) and (row.is_live or row.state == State.STOPPED),
            may_edit=row.state == State.DRAFT and self.has_change_permission(request),
        )

    def verb_view(self, request: HttpRequest, pk: int, *, verb: Verb) -> HttpResponse:
        """Asks on GET, does it on POST."""
        row = self._row(request, pk)
        says = verb.says.format(
            prompt=row.prompt, champion=row.written.champion, arms=pages.arms_in_words(row)
        )
        return self._ask(request, row, f"{verb.label}: {row}", says, partial(verb.run, row.name), verb=verb)

    def ship_view(self, request: HttpRequest, pk: int, version: str) -> HttpResponse:
        row = self._row(request, pk)
        says = f"It is concluded: {version} answers every call of {row.prompt}."
        run = partial(services.ship, row.name, version)
        return self._ask(request, row, f"Ship {version}", says, run)

    def look_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._row(request, pk)
        if request.method != "POST":
            raise PermissionDenied
        if row.phase is not None:
            try:
                look(row)
            except (DatabaseError, EvalError) as exc:
                messages.error(request, f"The calls cannot be summed up now: {exc}")
        return redirect(PAGE, pk)

    def delete_plan_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._row(request, pk)
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        try:
            services.delete_plan(row.name, **self._by(request))
        except EvalError as exc:
            messages.error(request, str(exc))
            return redirect(PAGE, pk)
        messages.success(request, f"The plan {row} is deleted.")
        return redirect("admin:evals_app_experiment_changelist")

    def _plan_page(
        self, request: HttpRequest, form: Any, *, title: str, back: str = "", new: bool = False
    ) -> HttpResponse:
        if request.method == "POST" and form.is_valid():
            try:
                if new and Experiment.objects.filter(name=form.plan.name).exists():
                    raise EvalError(f"there is {form.plan.name} already: choose another name")
                row = services.save_plan(form.plan, **self._by(request))
            except EvalError as exc:
                form.add_error(None, str(exc))
            else:
                return redirect(PAGE, row.pk)
        kinds = [(kind, f"?kind={kind}", kind == form.kind) for kind in FORMS] if new else ()
        back = back or reverse("admin:evals_app_experiment_changelist")
        return self._page(request, "experiment_form", title=title, form=form, kinds=kinds, back=back)

    def _ask(
        self,
        request: HttpRequest,
        row: Experiment,
        title: str,
        says: str,
        run: Callable[..., object],
        *,
        verb: Verb | None = None,
    ) -> HttpResponse:
        if not request.user.has_perm(RUN):
            raise PermissionDenied
        newest = row.events.values_list("pk", flat=True).first()
        form = WhyForm(request.POST if request.method == "POST" else None, initial={"seen": newest})
        if form.is_valid():
            seen = {"seen": form.cleaned_data["seen"]} if verb and verb.takes_seen else {}
            try:
                run(**seen, **self._by(request, why=form.cleaned_data["why"]))
            except EvalError as exc:
                messages.error(request, f"{exc}.")
            return redirect(PAGE, row.pk)
        back = reverse(PAGE, args=(row.pk,))
        shown = {"title": title, "says": says, "form": form, "back": back}
        icon, variant = (verb.icon, verb.variant) if verb else ("rocket_launch", "primary")
        return self._page(request, "experiment_ask", icon=icon, variant=variant, **shown)

    def _buttons(self, request: HttpRequest, row: Experiment) -> list[tuple[Verb, str]]:
        if not request.user.has_perm(RUN):
            return []
        name = "admin:evals_app_experiment_"
        return [(verb, reverse(f"{name}{verb.slug}", args=(row.pk,))) for verb in VERBS if verb.fits(row)]

    def _expected(self, row: Experiment) -> tuple[Forecast | None, str]:
        """Before the start: what it will take, and the primary measure as it is now."""
        plan = row.written
        if row.state != State.DRAFT or not isinstance(plan, ExperimentPlan):
            return None, ""
        found = services.expectation(plan)
        return found, "" if found.mean is None else Measure(plan.primary).tell(found.mean)

    def _steps(self, row: Experiment) -> list[tuple[int, str]]:
        """Percent, and whether that step is done, on or to come."""
        plan = row.rollout
        if plan is None:
            return []
        over = row.state == State.SHIPPED
        now = row.step if row.state != State.DRAFT else -1
        return [
            (share, "done" if place < now or over else "on" if place == now and row.is_live else "ahead")
            for place, share in enumerate((*plan.watched, 100))
        ]

    def _row(self, request: HttpRequest, pk: int | str) -> Experiment:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row: Experiment | None = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        return row

    def _by(self, request: HttpRequest, *, why: str = "") -> By:
        return {"actor": request.user.get_username(), "door": "admin", "why": why}

    def _page(self, request: HttpRequest, name: str, **shown: Any) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {"opts": self.opts, **shown}
        return TemplateResponse(request, f"admin/evals_app/{name}.html", context)
