"""Sends what is due to webhooks, again and again until it is taken."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from prompts_app import conf
from prompts_app.models import WebhookDelivery
from prompts_app.posting import Answer, opened, post
from prompts_app.webhook_messages import body_of, headers_of

State = WebhookDelivery.State
AT_ONCE = 20
LEASE = timedelta(seconds=60)
"""A worker that has taken a delivery and not reported for so long is dead: another one takes over."""
FIRST_WAIT = timedelta(seconds=10)
"""After the first failure; twice as long after each further one."""
MAX_ATTEMPTS = 10
"""The last one comes about an hour and a half after the first."""


def deliver_due(*, until: datetime) -> int:
    """Sends what is due at `until`, at most `AT_ONCE`; returns how many were taken.

    Each delivery is sent at least once: a worker that dies after sending and before noting it sends twice.
    """
    taken = _take(until)
    if not taken:
        return 0
    answers = asyncio.run(_send(taken, timestamp=int(until.timestamp())))
    for delivery, answer in zip(taken, answers, strict=True):
        _note(delivery, answer, now=until)
    return sum(answer.taken for answer in answers)


def wait_after(attempts: int) -> timedelta:
    return FIRST_WAIT * (1 << attempts - 1)


@transaction.atomic
def _take(until: datetime) -> Sequence[WebhookDelivery]:
    due = WebhookDelivery.objects.filter(state=State.WAITING, next_at__lte=until, webhook__active=True)
    locked = due.select_for_update(skip_locked=True, of=("self",))
    # First tries first: who does not answer keeps nobody else waiting again and again.
    first = locked.order_by("attempts", "next_at")
    rows = list(first.select_related("webhook", "change__prompt")[:AT_ONCE])
    for row in rows:
        row.attempts, row.next_at = row.attempts + 1, until + LEASE
    WebhookDelivery.objects.bulk_update(rows, ["attempts", "next_at"])
    return rows


async def _send(deliveries: Sequence[WebhookDelivery], *, timestamp: int) -> Sequence[Answer]:
    async with opened(allow_private=conf.webhooks_allow_private()) as session:
        bodies = [body_of(delivery.change) for delivery in deliveries]
        return await asyncio.gather(
            *(
                post(
                    session,
                    delivery.webhook.url,
                    body,
                    headers=headers_of(body, secret=delivery.webhook.secret, timestamp=timestamp),
                )
                for delivery, body in zip(deliveries, bodies, strict=True)
            )
        )


def _note(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    """Unless the lease ran out and another worker is at it."""
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=State.WAITING)
    said = {"status": answer.status, "error": answer.error}
    if answer.taken:
        mine.update(state=State.DELIVERED, ended_at=now, **said)
    elif delivery.attempts >= MAX_ATTEMPTS:
        mine.update(state=State.GIVEN_UP, ended_at=now, **said)
    else:
        mine.update(next_at=now + wait_after(delivery.attempts), **said)
