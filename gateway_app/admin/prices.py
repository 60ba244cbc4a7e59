"""Prices: a new one is added, one that has not begun can be withdrawn, and nothing else happens to them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from gateway_app.models import ModelPrice
from gateway_app.prices import BEGINNING, PriceRefused, add_price, check_price, price_of, withdraw_price


class PriceForm(ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if (given.get("long_input") is None) != (given.get("long_output") is None):
            raise ValidationError("Give input and output over 200k both, or neither.")
        if given.get("model") and given.get("starts_at"):
            try:
                check_price(model=given["model"], starts_at=given["starts_at"])
            except PriceRefused as exc:
                raise ValidationError(str(exc)) from exc
        return given


@admin.register(ModelPrice)
class ModelPriceAdmin(ModelAdmin):
    form = PriceForm
    list_display = ("model", "state", "since", "rates", "long_rates", "audio_rates", "author", "note")
    list_filter = ("author",)
    search_fields = ("model", "note")
    list_per_page = 100
    actions = None
    fieldsets = (
        (None, {"fields": ("model", "starts_at", "note")}),
        ("USD per million tokens", {"fields": (("input", "cached", "output"),)}),
        ("Above 200,000 input tokens", {"fields": (("long_input", "long_cached", "long_output"),)}),
        (
            "Audio",
            {
                "fields": (("audio_input", "audio_cached", "audio_output"),),
                "description": "Where sound costs something else; empty: as other tokens.",
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelPrice]:
        newer = ModelPrice.objects.filter(
            model=OuterRef("model"), starts_at__gt=OuterRef("starts_at"), starts_at__lte=Now()
        )
        rows: QuerySet[ModelPrice] = super().get_queryset(request).annotate(replaced=Exists(newer))
        return rows

    def has_change_permission(self, request: HttpRequest, obj: ModelPrice | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelPrice | None = None) -> bool:
        may: bool = super().has_delete_permission(request, obj)
        return may and obj is not None and obj.starts_at > timezone.now()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: ModelPrice, form: Any, change: bool) -> None:
        row = add_price(
            model=obj.model,
            price=price_of(obj),
            starts_at=obj.starts_at,
            author=request.user.get_username(),
            note=obj.note,
        )
        obj.pk = row.pk

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: ModelPrice) -> None:
        withdraw_price(obj)

    @display(description="holds", label={"now": "success", "later": "info", "no more": "warning"})
    def state(self, price: Any) -> str:
        if price.starts_at > timezone.now():
            return "later"
        return "no more" if price.replaced else "now"

    @display(description="holds from", ordering="starts_at")
    def since(self, price: ModelPrice) -> str:
        return "always" if price.starts_at == BEGINNING else f"{price.starts_at:%-d %b %Y, %H:%M} UTC"

    @display(description="input / cached / output")
    def rates(self, price: ModelPrice) -> str:
        return _rates(price.input, price.cached, price.output)

    @display(description="over 200k")
    def long_rates(self, price: ModelPrice) -> str:
        return _rates(price.long_input, price.long_cached, price.long_output) if price.long_input else "—"

    @display(description="audio")
    def audio_rates(self, price: ModelPrice) -> str:
        rates = (price.audio_input, price.audio_cached, price.audio_output)
        return "—" if rates == (None, None, None) else _rates(*rates)


def _rates(*rates: Any) -> str:
    return " / ".join("—" if rate is None else f"${rate.normalize():f}" for rate in rates)
