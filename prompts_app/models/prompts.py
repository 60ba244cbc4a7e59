"""Prompts and their versions. Workflow is in services.py."""

import secrets
from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.timezone import now

from prompts_app.content import COLUMNS, LABEL, NAME, VersionContent, from_json
from prompts_app.fields import OrderedJSONField


def new_salt() -> str:
    return secrets.token_hex(8)


class Prompt(models.Model):
    """What callers name, and which of its versions answers."""

    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(blank=True)
    active_version = models.ForeignKey(
        "PromptVersion", models.PROTECT, null=True, blank=True, related_name="active_for"
    )
    traffic_split = models.JSONField(default=dict, blank=True)
    """Version label -> whole percents, 100 in all; empty: everything goes to the active version."""
    buckets = models.JSONField(default=list, blank=True, editable=False)
    """The hundred owners (see splitting.py) from which the next split moves as few units as it can."""
    split_phase = models.PositiveIntegerField(default=0, editable=False)
    """Grows by one with each change of split or active version: a new phase of an experiment."""
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    archived = models.BooleanField(default=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    """Grows by one with each change to the prompt or to any of its versions."""
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        permissions = [
            ("publish_prompt", "Can publish versions, make them live, split traffic and roll back"),
            ("try_prompt", "Can try versions, drafts included, which costs money"),
        ]
        constraints = [CheckConstraint(condition=Q(name__regex=NAME), name="prompt_name")]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """One wording of a prompt: free to change while a draft, never again once published."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="versions")
    label = models.CharField("version", max_length=32)
    system = models.TextField(blank=True)
    user = models.TextField(blank=True)
    messages = OrderedJSONField(default=list, blank=True)
    """[{"role": "user" | "assistant", "content": template}, ...]"""
    model = models.CharField(max_length=128, blank=True)
    parameters = OrderedJSONField(default=dict, blank=True)
    variables = OrderedJSONField(default=dict, blank=True)
    response_schema = OrderedJSONField(null=True, blank=True)
    notes = models.TextField(blank=True)
    partials = OrderedJSONField(default=dict, blank=True, editable=False)
    """Name -> text of what the texts include; publishing freezes it."""
    digest = models.CharField(max_length=64, editable=False)
    """SHA-256 of what was written."""
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT, editable=False)
    author = models.CharField(max_length=150, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    """The prompt's revision at this version's last change."""
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = "version"
        ordering = ["prompt", "-id"]
        constraints = [
            UniqueConstraint(fields=["prompt", "label"], name="version_label_once"),
            CheckConstraint(condition=Q(label__regex=LABEL), name="version_label"),
            CheckConstraint(
                condition=Q(status__in=["draft", "published", "archived"]), name="version_status"
            ),
            CheckConstraint(
                condition=Q(status="draft", published_at=None)
                | ~Q(status="draft") & Q(published_at__isnull=False),
                name="version_published_at",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def content(self) -> VersionContent:
        return from_json({name: getattr(self, name) for name in COLUMNS})


def columns(content: VersionContent) -> dict[str, Any]:
    """The columns of a `PromptVersion` that hold `content`."""
    return content.as_json() | {"digest": content.digest}


class Example(models.Model):
    """An input that somebody kept, to try the prompt's versions with."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="examples")
    name = models.CharField(max_length=100)
    variables = OrderedJSONField(default=dict, blank=True)
    author = models.CharField(max_length=150)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [UniqueConstraint(fields=["prompt", "name"], name="example_name_once")]

    def __str__(self) -> str:
        return self.name


class RegistryRevision(models.Model):
    """One row whose value is another one after every statement that touched a prompt or a version.

    A trigger writes it; workers poll it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField()

    class Meta:
        constraints = [CheckConstraint(condition=Q(id=1), name="registry_revision_one_row")]

    def __str__(self) -> str:
        return str(self.value)
