"""Quotas over HTTP: a no is an answer, what was asked wrongly is a problem, and what is sent again takes once."""

from tests.web.world import World, problem

CHECK, CONSUME, RESERVE = "/v1/quotas/check", "/v1/quotas/consume", "/v1/quotas/reserve"


def ask(world: World, path: str, quantity: int | str = 1, **more) -> dict:
    answer = world.call("POST", path, {"customer": "ada", "meter": "calls", "quantity": quantity, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def granted(world: World, limit: str | None = "10", **more) -> None:
    world.with_calls()
    answer = world.call("PUT", "/v1/entitlements", {"customer": "ada", "meter": "calls", "limit": limit, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["limit"] == limit


def test_a_quota_is_granted_asked_for_and_used(either_world: World) -> None:
    world = either_world
    granted(world)
    assert ask(world, CHECK, 10) == {
        "allowed": True,
        "reason": None,
        "limit": "10",
        "used": "0",
        "reserved": "0",
        "remaining": "10",
        "resets_at": "2026-02-01T00:00:00Z",
    }
    for _ in range(2):
        assert ask(world, CONSUME, "7.25", op="a")["remaining"] == "2.75"
    no = ask(world, CONSUME, 3, op="b")
    assert (no["allowed"], no["reason"], no["used"]) == (False, "quota_exceeded", "7.25")
    query = "customer=ada&meter=calls&from=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z"
    assert world.call("GET", f"/v1/usage?{query}").json()["quantity"] == "7.25"
    clash = world.call("POST", CONSUME, {"customer": "ada", "meter": "calls", "quantity": 1, "op": "a"})
    assert problem(clash) == (409, "operation_conflict")


def test_a_reservation_is_committed_or_released(world: World) -> None:
    granted(world)
    held = ask(world, RESERVE, 8, op="r", ttl_seconds=60)
    assert (held["decision"]["reserved"], held["expires_at"]) == ("8", "2026-01-01T00:01:00Z")
    assert ask(world, RESERVE, 3, op="s") == {"id": None, "expires_at": None, "decision": {
        "allowed": False, "reason": "quota_exceeded", "limit": "10", "used": "0", "reserved": "8", "remaining": "2",
        "resets_at": "2026-02-01T00:00:00Z"}}  # fmt: skip
    commit = f"/v1/reservations/{held['id']}/commit"
    for _ in range(2):
        assert world.call("POST", commit, {"actual": "2.5"}).json()["used"] == "2.5"
    assert problem(world.call("POST", commit, {"actual": 8})) == (409, "operation_conflict")
    assert problem(world.call("POST", f"/v1/reservations/{held['id']}/release")) == (409, "reservation_ended")

    other = ask(world, RESERVE, 2, op="t")["id"]
    for _ in range(2):
        assert world.call("POST", f"/v1/reservations/{other}/release").json() == {"id": other, "status": "released"}
    assert problem(world.call("POST", f"/v1/reservations/{other}/commit", {})) == (409, "reservation_ended")
    assert problem(world.call("POST", "/v1/reservations/rsv_none/commit", {})) == (404, "not_found")
    assert problem(world.call("POST", "/v1/reservations/rsv_none/release")) == (404, "not_found")


def test_nobody_unknown_is_allowed_anything(world: World) -> None:
    world.with_calls()
    reasons = [
        world.call("POST", CHECK, {"customer": customer, "meter": meter}).json()["reason"]
        for customer, meter in (("nobody", "calls"), ("ada", "nothing"), ("ada", "calls"))
    ]
    assert reasons == ["unknown_customer", "unknown_meter", "no_entitlement"]


def test_unlimited_is_said_and_never_meant(world: World) -> None:
    granted(world, None)
    assert ask(world, CONSUME, 10**9, op="a")["remaining"] is None
    put = {"customer": "ada", "meter": "calls"}
    assert problem(world.call("PUT", "/v1/entitlements", put)) == (422, "invalid_input"), "a limit that is left out is no limit"
    world.call("PUT", "/v1/entitlements", put | {"limit": 0})
    assert not ask(world, CHECK)["allowed"]


def test_what_is_asked_wrongly_is_refused_by_field(world: World) -> None:
    granted(world)
    use = {"customer": "ada", "meter": "calls", "quantity": 1, "op": "a"}
    wrongs = [
        ("POST", CONSUME, use | {"quantity": 0}, "quantity"),
        ("POST", CONSUME, use | {"quantity": "-1"}, "quantity"),
        ("POST", CONSUME, use | {"quantity": "0.001"}, "quantity"),
        ("POST", CONSUME, use | {"quantity": "1e400"}, "quantity"),
        ("POST", CONSUME, use | {"quantity": 1.5}, "quantity"),
        ("POST", CONSUME, use | {"op": ""}, "op"),
        ("POST", CONSUME, {name: use[name] for name in ("customer", "meter")}, "op"),
        ("POST", RESERVE, use | {"ttl_seconds": 0}, "ttl_seconds"),
        ("POST", RESERVE, use | {"ttl_seconds": 86_401}, "ttl_seconds"),
        ("PUT", "/v1/entitlements", {"customer": "ada", "meter": "calls", "limit": "-1"}, "limit"),
        ("PUT", "/v1/entitlements", {"customer": "ada", "meter": "calls", "limit": "1", "zone": "Mars"}, "zone"),
        ("PUT", "/v1/entitlements", {"customer": "ada", "meter": "nothing", "limit": "1"}, "meter"),
    ]
    for method, path, body, field in wrongs:
        answer = world.call(method, path, body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json().get("field") == field, (body, answer.text)


def test_a_key_that_may_consume_may_not_grant(world: World) -> None:
    granted(world)
    token = world.billing.create_api_key("program", ["quota:consume"]).token
    world.headers = {"Authorization": f"Bearer {token}"}
    assert ask(world, CONSUME, op="a")["allowed"]
    more = {"customer": "ada", "meter": "calls", "limit": None}
    assert problem(world.call("PUT", "/v1/entitlements", more)) == (403, "forbidden")
