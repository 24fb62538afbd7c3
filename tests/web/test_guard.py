"""Guards in front of a host's endpoints: held before, counted after, given back where the work fails, and streams too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from tallystick.app.metering import Held
from tallystick.domain.entitlements import Quota
from tallystick.domain.usage import Meter
from tallystick.settings import Settings
from tallystick.testing import in_memory
from tallystick.values.ids import MeterKey
from tallystick.web import MeteredMiddleware, background, metered, require_quota
from tallystick.web.install import install

ADA = {"x-user": "ada"}


def whose(request: Request) -> str | None:
    return request.headers.get("x-user")


@pytest.fixture
def billing() -> Iterator:
    """Ada may make five calls a month."""
    made = in_memory()
    made.put_meter(Meter(MeterKey("calls"), decimals=0))
    made.grant("ada", "calls", Quota(Decimal(5)))
    yield made
    assert made.verify().clean
    made.close()


def stands(billing) -> tuple[Decimal, Decimal]:
    decision = billing.check("ada", "calls")
    return decision.used, decision.reserved


@pytest.fixture
def host(billing, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """One endpoint for each way in which work can end; the engine is installed, and knows the host's users."""
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    app = FastAPI()
    install(app, billing, settings=Settings(_env_file=None, database_url="sqlite://"), identify=whose)
    guarded = [Depends(metered(billing, "calls"))]

    @app.post("/work", dependencies=guarded)
    def work() -> dict[str, str]:
        assert stands(billing)[1] == 1, "held while it is done"
        return {"done": "yes"}

    @app.post("/crash", dependencies=guarded)
    def crash() -> None:
        raise ZeroDivisionError

    @app.post("/refuse", dependencies=guarded)
    async def refuse() -> None:
        raise HTTPException(404)

    @app.post("/some")
    def some(held: Annotated[Held, Depends(metered(billing, "calls", 4))], used: int) -> None:
        held.actual = used

    @app.post("/three", dependencies=[Depends(require_quota(billing, "calls", 3))])
    def three() -> str:
        return "asked"

    @app.post("/others", dependencies=[Depends(metered(billing, "calls", customer=lambda _: "bob"))])
    def others() -> None: ...

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_what_has_answered_is_counted(host: TestClient, billing) -> None:
    assert host.post("/work", headers=ADA).json() == {"done": "yes"}
    assert stands(billing) == (1, 0)
    (event,) = billing.events("ada")
    assert event.quantity == 1


@pytest.mark.parametrize(("path", "status"), [("/crash", 500), ("/refuse", 404)])
def test_an_endpoint_that_raises_has_used_nothing(host: TestClient, billing, path: str, status: int) -> None:
    assert host.post(path, headers=ADA).status_code == status
    assert stands(billing) == (0, 0)


def test_an_endpoint_says_itself_how_much_it_was(host: TestClient, billing) -> None:
    assert host.post("/some?used=3", headers=ADA).status_code == 200
    assert stands(billing) == (3, 0)


def test_over_the_limit_the_endpoint_is_not_called_and_the_answer_has_the_figures(host: TestClient, billing) -> None:
    for _ in range(5):
        assert host.post("/work", headers=ADA).status_code == 200
    refused = host.post("/work", headers=ADA)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    said = refused.json()
    assert (said["code"], said["meter"], said["limit"], said["used"], said["remaining"]) == (
        "quota_exceeded",
        "calls",
        "5",
        "5",
        "0",
    )
    assert said["resets_at"] == "2026-02-01T00:00:00Z"
    assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"] == str(31 * 86_400 + 1)
    assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"]) == ("5", "0")
    assert stands(billing) == (5, 0)


def test_a_stranger_is_asked_to_log_in_and_one_without_a_plan_is_told_so(host: TestClient) -> None:
    assert (host.post("/work").status_code, host.post("/work").json()["code"]) == (401, "logged_out")
    for refused in (host.post("/work", headers={"x-user": "eve"}), host.post("/others", headers=ADA)):
        assert (refused.status_code, refused.json()["code"]) == (403, "unknown_customer")
        assert "no active plan" in refused.json()["detail"]


def test_a_request_that_comes_again_counts_once_and_after_a_failure_may_be_tried_again(host: TestClient, billing) -> None:
    again = ADA | {"Idempotency-Key": "request-1"}
    for _ in range(3):
        assert host.post("/some?used=2", headers=again).status_code == 200
    assert stands(billing) == (2, 0)
    for _ in range(2):
        host.post("/crash", headers=again)
    assert host.post("/refuse", headers=again).status_code == 404
    assert stands(billing) == (2, 0), "another address is another request"
    bad = host.post("/work", headers=ADA | {"Idempotency-Key": "x" * 256})
    assert (bad.status_code, bad.json()["field"]) == (422, "Idempotency-Key")


def test_only_asking_holds_and_counts_nothing(host: TestClient, billing) -> None:
    assert host.post("/three", headers=ADA).json() == "asked"
    assert stands(billing) == (0, 0)
    billing.consume("ada", "calls", 3, op="a")
    assert host.post("/three", headers=ADA).status_code == 429


def test_without_install_the_host_answers_in_its_own_form(billing) -> None:
    app = FastAPI()
    app.get("/", dependencies=[Depends(metered(billing, "calls", 6, customer=whose))])(lambda: None)
    refused = TestClient(app).get("/", headers=ADA)
    assert refused.status_code == 429
    assert refused.json()["detail"].startswith("calls: quota exceeded: 0 of 5 used, 6 more asked for")
    assert refused.headers["x-ratelimit-remaining"] == "5"


def streamed(billing, **given) -> TestClient:
    """A model that says four words, and counts them as it goes."""
    app = FastAPI()

    @app.get("/stream")
    async def stream(request: Request, breaks: bool = False) -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            for count, word in enumerate(("so", "it", "goes", "on"), 1):
                if breaks and count == 4:
                    raise ConnectionError
                request.state.words = count
                assert stands(billing)[1] == 4, "held until the last word"
                yield word
                await asyncio.sleep(0)

        return StreamingResponse(words())

    app.get("/down")(lambda: Response(status_code=503))
    app.get("/wrong")(lambda: Response(status_code=400))
    app.get("/free")(lambda: "free")

    @app.get("/sets")
    def sets(request: Request) -> None:
        request.scope["tallystick.held"].actual = 1

    app.add_middleware(
        MeteredMiddleware, billing=billing, meter="calls", quantity=4, identify=whose,
        applies=lambda scope: scope["path"] != "/free", **given,
    )  # fmt: skip
    return TestClient(app, raise_server_exceptions=False)


def spoken(scope) -> int | None:
    return scope.get("state", {}).get("words")


def test_a_stream_is_counted_at_its_end_by_what_it_was(billing) -> None:
    client = streamed(billing, used=spoken)
    assert client.get("/stream", headers=ADA).text == "soitgoeson"
    assert stands(billing) == (4, 0)
    refused = client.get("/stream", headers=ADA)
    assert (refused.status_code, refused.json()["remaining"]) == (429, "1")
    assert client.get("/free").json() == "free"
    assert client.get("/stream").status_code == 401


def test_a_stream_that_breaks_off_has_used_what_was_counted_by_then(billing) -> None:
    streamed(billing, used=spoken).get("/stream?breaks=true", headers=ADA)
    assert stands(billing) == (3, 0)


def test_a_stream_that_breaks_off_uncounted_has_used_nothing(billing) -> None:
    streamed(billing).get("/stream?breaks=true", headers=ADA)
    assert stands(billing) == (0, 0)


@pytest.mark.parametrize(("path", "used"), [("/down", 0), ("/wrong", 4), ("/sets", 1), ("/nowhere", 4)])
def test_an_answer_below_500_is_counted_and_one_above_is_not(billing, path: str, used: int) -> None:
    streamed(billing).get(path, headers=ADA)
    assert stands(billing) == (used, 0)
