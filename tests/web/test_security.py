"""Who may do what: no route without a policy, no answer without its headers, no key that opens more than it should."""

from datetime import timedelta

import pytest
from fastapi import APIRouter

from tallystick.domain.api_keys import Scope, read_token
from tallystick.values.errors import WrongConfiguration
from tallystick.web.door import DeclaredRoute, router
from tallystick.web.envelope import CSP
from tallystick.web.security import Visit
from tests.web.world import World, problem

PUBLIC = {
    "/api/uptime",
    "/api/billing-status",
    "/api/create-payment-intent",
    "/webhooks/stripe",
    "/api/billing/webhook",
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/logout",
    "/healthz",
    "/readyz",
    "/metrics",
}


def operations(world: World) -> list[tuple[str, str, str]]:
    paths = world.app.openapi()["paths"]
    return [(method.upper(), path, said["x-policy"]) for path, found in paths.items() for method, said in found.items()]


def test_every_route_has_a_policy_and_those_that_are_public_are_known(world: World) -> None:
    listed = operations(world)
    assert {path for _, path, policy in listed if policy == "public"} == PUBLIC
    assert {policy for _, _, policy in listed} - {"public"} == {*map(str, Scope), *map(str, Visit)}


def test_a_route_without_a_policy_cannot_be_made(world: World) -> None:
    with pytest.raises(WrongConfiguration, match="declares no policy"):
        router("things").get("/things")(lambda: None)
    with pytest.raises(WrongConfiguration, match="declares no policy"):
        world.app.get("/things")(lambda: None)
    with pytest.raises(WrongConfiguration, match="declare no policy"):
        world.app.include_router(APIRouter())
    assert issubclass(world.app.router.route_class, DeclaredRoute)


def test_without_a_key_every_other_route_is_closed(world: World) -> None:
    for method, path, policy in operations(world):
        if policy != "public":
            answer = world.client.request(method, path, content=b"not even json")
            closed = {(401, "unauthorized"), (401, "logged_out"), (403, "cross_site")}
            assert problem(answer) in closed, f"{method} {path}"
            assert answer.status_code == 403 or answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
def test_a_key_opens_the_routes_of_its_scope_and_no_others(world: World, scope: Scope) -> None:
    token = world.billing.create_api_key("narrow", [scope]).token
    for method, path, policy in operations(world):
        answer = world.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, content=b"x")
        if policy in set(Visit):
            assert problem(answer) == (401, "logged_out"), f"{method} {path}: a key is no user"
        elif policy in {"public", scope.value}:
            assert answer.status_code not in {401, 403}, f"{method} {path}"
        else:
            assert problem(answer) == (403, "forbidden"), f"{method} {path}"


def tampered(token: str, place: int) -> str:
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def test_a_key_with_any_sign_changed_opens_nothing(world: World) -> None:
    for place in range(len(world.token)):
        wrong = tampered(world.token, place)
        assert read_token(wrong) is None
        answer = world.client.get("/v1/meters", headers={"Authorization": f"Bearer {wrong}"})
        assert problem(answer) == (401, "unauthorized")


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic abc", "bearer x", "Bearer " + "m" * 500, "Bearer mk_test_é"])
def test_what_is_no_key_opens_nothing(world: World, given: str) -> None:
    assert problem(world.client.get("/v1/meters", headers=[("Authorization", given.encode("latin-1"))])) == (401, "unauthorized")


def test_a_key_in_the_query_opens_nothing(world: World) -> None:
    assert problem(world.client.get(f"/v1/meters?api_key={world.token}&access_token={world.token}")) == (401, "unauthorized")


def test_a_key_of_the_right_form_with_another_secret_is_refused_in_the_same_words(world: World) -> None:
    from tallystick.domain.api_keys import write_token

    known = read_token(world.token)
    assert known is not None
    wrong = write_token(known.mode, known.key_id, bytes(32))
    unknown = write_token(known.mode, "0" * 10, bytes(32))
    answers = [world.client.get("/v1/meters", headers={"Authorization": f"Bearer {token}"}).json() for token in (wrong, unknown)]
    assert answers[0]["detail"] == answers[1]["detail"] == "authorization: is not an API key of this service"


def test_a_revoked_key_opens_nothing_from_that_moment_on(world: World) -> None:
    issued = world.call("POST", "/v1/api-keys", {"name": "gone", "scopes": ["usage:read"]}).json()
    held = {"Authorization": f"Bearer {issued['token']}"}
    assert world.client.get("/v1/meters", headers=held).status_code == 200
    assert world.call("DELETE", f"/v1/api-keys/{issued['key_id']}").json()["revoked_at"] == "2026-01-01T00:00:00Z"
    answer = world.client.get("/v1/meters", headers=held)
    assert problem(answer) == (401, "unauthorized")
    assert "revoked" in answer.json()["detail"]
    assert world.call("DELETE", f"/v1/api-keys/{issued['key_id']}").status_code == 200
    assert problem(world.call("DELETE", "/v1/api-keys/nope")) == (404, "not_found")


def test_a_key_that_another_process_has_revoked_opens_nothing_a_second_later(world: World) -> None:
    issued = world.billing.create_api_key("elsewhere", ["usage:read"])
    held = {"Authorization": f"Bearer {issued.token}"}
    assert world.client.get("/v1/meters", headers=held).status_code == 200
    world.billing.revoke_api_key(issued.key_id)
    world.clock.advance(timedelta(seconds=1))
    assert problem(world.client.get("/v1/meters", headers=held)) == (401, "unauthorized")


def test_a_key_expires(world: World) -> None:
    issued = world.call("POST", "/v1/api-keys", {"name": "short", "scopes": ["usage:read"], "expires_in_days": 1}).json()
    held = {"Authorization": f"Bearer {issued['token']}"}
    world.clock.advance(timedelta(days=1, microseconds=-1))
    assert world.client.get("/v1/meters", headers=held).status_code == 200
    world.clock.advance(timedelta(seconds=1))
    assert problem(world.client.get("/v1/meters", headers=held)) == (401, "unauthorized")


def test_a_token_is_shown_once_and_kept_nowhere(world: World) -> None:
    issued = world.call("POST", "/v1/api-keys", {"name": "shown", "scopes": ["admin"]}).json()
    assert issued["expires_at"] == "2027-01-01T00:00:00Z"
    secret = read_token(issued["token"]).secret
    listed = world.call("GET", "/v1/api-keys").text + world.call("GET", "/v1/audit").text
    path = world.billing.context.database.path
    stored = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    assert issued["key_id"] in listed
    assert secret not in listed
    assert secret.encode() not in stored


def test_issuing_and_revoking_are_audited_with_who_did_it(world: World) -> None:
    issued = world.call("POST", "/v1/api-keys", {"name": "seen", "scopes": ["admin"]}).json()
    world.call("DELETE", f"/v1/api-keys/{issued['key_id']}")
    acts = world.call("GET", "/v1/audit?limit=2").json()["data"]
    assert [(act["action"], act["subject"]) for act in acts] == [
        ("api_key.revoked", issued["key_id"]),
        ("api_key.issued", issued["key_id"]),
    ]
    assert {act["actor"] for act in acts} == {f"key:{read_token(world.token).key_id}"}


def test_a_key_is_noted_as_used_at_most_once_an_hour(world: World) -> None:
    def used_at() -> str:
        return world.call("GET", "/v1/api-keys").json()["data"][0]["last_used_at"]

    assert used_at() == "2026-01-01T00:00:00Z"
    world.clock.advance(timedelta(minutes=59))
    assert used_at() == "2026-01-01T00:00:00Z"
    world.clock.advance(timedelta(minutes=1))
    assert used_at() == "2026-01-01T01:00:00Z"


def test_every_answer_has_the_security_headers(world: World) -> None:
    for path in ("/v1/meters", "/nope", "/healthz", "/", "/static/pay.js", "/docs", "/openapi.json", "/sandbox/js/stripe.js"):
        headers = world.client.get(path).headers
        assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
    assert world.client.get("/v1/meters").headers["cache-control"] == "no-store"
    assert world.client.get("/v1/meters").headers["content-security-policy"] == CSP


def test_only_the_pay_page_may_frame_and_pay(world: World) -> None:
    page, other = world.client.get("/").headers, world.client.get("/v1/meters").headers
    assert "frame-src" in page["content-security-policy"]
    assert "payment=(self" in page["permissions-policy"]
    assert "frame-src" not in other["content-security-policy"]
    assert "payment=()" in other["permissions-policy"]


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("<x>", False), ("", False)]
)
def test_a_request_id_of_the_callers_is_kept_where_it_can_stand_in_a_log(world: World, given: str, kept: bool) -> None:
    answer = world.client.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://localhost:8000"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[x"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_no_other_site_can_make_a_browser_ask_for_money(world: World, headers: dict[str, str], allowed: bool) -> None:
    world.up_for(2)
    answer = world.client.post("/api/create-payment-intent", json={}, headers=headers)
    assert answer.status_code == 200 if allowed else problem(answer) == (403, "cross_site")


def test_what_crashes_is_answered_without_a_word_of_it(world: World, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("card 4242424242424242")

    monkeypatch.setattr(world.billing, "meters", crash)
    answer = world.call("GET", "/v1/meters")
    assert problem(answer) == (500, "internal_error")
    logged = capsys.readouterr()
    assert "4242" not in answer.text + logged.out + logged.err
    assert world.token not in logged.out + logged.err
    assert answer.json()["request_id"] in logged.out + logged.err


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/v1/meters", 405), ("PATCH", "/healthz", 405)]
)
def test_what_is_not_there_is_a_problem_too(world: World, method: str, path: str, status: int) -> None:
    answer = world.call(method, path)
    assert problem(answer)[0] == status
    assert status != 405 or answer.headers["allow"]
