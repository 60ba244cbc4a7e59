"""What the task queue does for the gateway."""

from celery import shared_task
from django.utils import timezone

from gateway_app import conf, ticking
from gateway_app.rollups import roll_up_due
from gateway_app.upkeep import keep_up


@shared_task
def tick() -> None:
    """Nothing serves HTTP here, so this alone tells of a clock or of workers that stand still."""
    ticking.tick(conf.gateway().redis_url)


@shared_task
def ledger_upkeep() -> None:
    keep_up(timezone.now(), months=conf.gateway().ledger_months)


@shared_task
def ledger_rollups() -> None:
    """For a while without a ledger worker, which sums up too."""
    roll_up_due()
