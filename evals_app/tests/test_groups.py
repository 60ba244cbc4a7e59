"""What the seeded groups may do in evaluations and experiments."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

PAGES = {
    "datasets": "/admin/evals_app/dataset/",
    "runs": "/admin/evals_app/evalrun/",
    "experiments": "/admin/evals_app/experiment/",
    "a new dataset": "/admin/evals_app/dataset/add/",
    "a new run": "/admin/evals_app/evalrun/add/",
    "a new plan": "/admin/evals_app/experiment/add/",
}
LISTS = {"datasets", "runs", "experiments"}


@pytest.fixture
def member(client: Client, db: None, request: pytest.FixtureRequest) -> User:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.set(Group.objects.filter(name=request.param))
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("member", "opens", "directs"),
    [
        ("Viewers", LISTS, False),
        ("Editors", set(PAGES), False),
        ("Publishers", LISTS | {"a new run"}, True),
        ("Nobody", set(), False),
    ],
    indirect=["member"],
)
def test_each_group_may_do_its_part(member: User, client: Client, opens: set[str], directs: bool) -> None:
    assert {name for name, path in PAGES.items() if client.get(path).status_code == 200} == opens
    assert member.has_perm("evals_app.run_experiment") == directs
