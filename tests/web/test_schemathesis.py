"""Requests made up from our own OpenAPI document, right ones and wrong ones: none brings the service down."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests import databases
from tests.conftest import ROOM
from tests.web.world import World, serving

EXAMPLES = 12  # of each route, right and wrong, with a key and without
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
ASKED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One service for all of them: what one request leaves behind, the next one meets."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with (
        pytest.MonkeyPatch.context() as patch,
        databases.sqlite_database(pytestconfig.stash[ROOM], folder) as url,
        serving(url, str(folder / "sandbox.db"), patch) as found,
    ):
        found.with_calls()
        found.used(500)
        found.up_for(3)
        yield found


def operations(world: World) -> Iterator[APIOperation]:
    async def started(scope: Any, receive: Any, send: Any) -> None:
        """The service runs already; started and stopped for each request, it would be another one."""
        if scope["type"] != "lifespan":
            await world.app(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    for found in schemathesis.openapi.from_asgi("/openapi.json", started).get_all_operations():
        yield found.ok()


def tried(operation: APIOperation, mode: GenerationMode, headers: dict[str, str], told: Counter[int]) -> None:
    """Requests to one route; fails at the first answer that the document does not promise."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @ASKED
    def each(case: Case) -> None:
        response = case.call(headers=headers)
        told[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        is_public = operation.definition.raw["x-policy"] == "public"
        assert headers or is_public or response.status_code in {401, 403}  # 403: no script of ours has sent it

    each()


def logged_in(world: World) -> dict[str, str]:
    """As an admin, who may come to every route for users; anew for each route, since one of them logs out."""
    email, billing = "admin@example.com", world.billing
    if email not in {account.email for account in billing.accounts(limit=200)}:
        billing.register(email, billing.made_up_password(), role="admin")
    # Another password each time: made-up requests try to log in too, and too many tries are refused.
    return {"Authorization": f"Bearer {billing.log_in(email, billing.reset_password(email)).token}"}


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("key", ["with a key", "logged in", "without a key"])
def test_every_route_answers_as_the_document_says(world: World, key: str, mode: GenerationMode, capsys) -> None:
    told: Counter[int] = Counter()
    broken = []
    for operation in operations(world):
        headers = {"with a key": lambda: world.headers, "logged in": lambda: logged_in(world), "without a key": dict}[key]()
        try:
            tried(operation, mode, headers, told)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # a route that takes nothing can be asked nothing wrong
        except Exception as error:  # every route is tried, and all that broke is told at the end
            broken.append(f"{operation.label}: {error}")
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(told.items()))
    with capsys.disabled():
        print(f"\nSchemathesis, {key}, {mode}: {sum(told.values())} requests: {statuses}")
    assert broken == []
    assert told.total() >= 100
    assert not [status for status in told if status >= 500]
