"""What a role may not change is not changed by a form that somebody made up."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import (
    AutoField,
    BooleanField,
    DateTimeField,
    DecimalField,
    FloatField,
    ForeignKey,
    IntegerField,
    Model,
)

from gateway_app.models import Project
from llmgateway.tests.security import admin_rows
from llmgateway.tests.security.admin_fields import ADDED, CHANGED, FOLLOW, FORGED
from llmgateway.tests.security.test_admin_rights import member
from prompts_app import services

DAY, TIME = "2031-02-03", "04:05:06"


@pytest.fixture
def ids(db: None) -> dict[str, Any]:
    made = admin_rows.make()
    Project.objects.create(name="another")
    services.create_prompt(name="another", **admin_rows.SETUP)
    return made


def rows(table: str) -> list[tuple[str, str, set[str]]]:
    """Model, role, fields."""
    lines = (line.split() for line in table.strip().splitlines())
    return [(model, role, set(fields) - {"-"}) for model, role, *fields in lines]


def forged(row: Model) -> dict[str, Any]:
    """Every column of a row, each with another value than it has."""
    sent: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        sent |= another(field, row)
    return sent | FORGED.get(row._meta.label_lower, {})


def another(field: Any, row: Model) -> dict[str, Any]:
    match field:
        case ForeignKey():
            others = field.related_model.objects.exclude(pk=getattr(row, field.attname)).order_by("pk")
            return {field.name: getattr(others.first(), "pk", "0")}
        case DateTimeField():
            return {field.name: f"{DAY} {TIME}", f"{field.name}_0": DAY, f"{field.name}_1": TIME}
        case BooleanField():
            return {} if getattr(row, field.name) else {field.name: "on"}
        case AutoField():
            return {field.name: "987654"}
        case IntegerField() | DecimalField() | FloatField():
            return {field.name: "7"}
    return {field.name: "forged"}


def values(row: Model) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def differing(old: Model, new: Model) -> set[str]:
    return {name for name, value in values(new).items() if value != values(old)[name]} - FOLLOW


@pytest.mark.parametrize(("label", "role", "may"), rows(CHANGED))
def test_of_a_row_that_is_there_a_role_changes_its_fields_and_no_other(
    ids: dict[str, Any], label: str, role: str, may: set[str]
) -> None:
    model = apps.get_model(label)
    row, count = model.objects.get(pk=ids[model._meta.model_name]), model.objects.count()
    address = f"/admin/{label.replace('.', '/')}/{row.pk}/change/"
    response = member(role).post(address, forged(row))
    assert differing(row, model.objects.get(pk=row.pk)) == may, response
    assert model.objects.count() == count


@pytest.mark.parametrize(("label", "role", "may"), rows(ADDED))
def test_of_a_new_row_a_role_says_its_fields_and_no_other(
    ids: dict[str, Any], label: str, role: str, may: set[str]
) -> None:
    model = apps.get_model(label)
    known = set(model.objects.values_list("pk", flat=True))
    sent = forged(model())
    response = member(role).post(f"/admin/{label.replace('.', '/')}/add/", sent)
    new = model.objects.exclude(pk__in=known).first()
    assert new, response.content.decode()
    assert {name for name in sent if believed(new, name, sent[name])} <= may


def believed(row: Model, name: str, sent: Any) -> bool:
    if sent == "on":
        return getattr(row, name) is True
    value = values(row).get(name)
    return value not in (None, "") and str(value).startswith(str(sent))
