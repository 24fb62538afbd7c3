"""Accounts over HTTP: the cookie, the bearer, and everything that another site, a stranger or a guesser may try."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tallystick.settings import Settings
from tallystick.web.service import create_app
from tests.web.world import World, problem

ADA, SECRET = "ada@example.com", "correct horse battery"
CREDENTIALS = {"email": ADA, "password": SECRET}


def register(world: World, email: str = ADA) -> Response:
    answer = world.client.post("/api/auth/register", json={"email": email, "password": SECRET})
    assert answer.status_code == 201, answer.text
    return answer


def cookie_of(answer: Response) -> str:
    return answer.headers["set-cookie"].split(";")[0].partition("=")[2]


def test_register_logs_in_and_me_says_who(either_world: World) -> None:
    registered = register(either_world).json()
    assert registered["token_type"] == "bearer"
    assert registered["expires_at"] == "2026-01-01T00:30:00Z"
    me = either_world.client.get("/api/auth/me").json()
    assert me == registered["user"] == {"id": me["id"], "email": ADA, "role": "user", "created_at": "2026-01-01T00:00:00Z"}
    assert either_world.billing.customer(me["id"]).email == ADA


def test_on_http_the_cookie_is_closed_to_scripts_and_other_sites(world: World) -> None:
    said = register(world).headers["set-cookie"]
    assert said.startswith("tallystick_session=tss_")
    assert said.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax")


def test_on_https_the_cookie_is_of_this_host_alone(world: World) -> None:
    client = TestClient(world.app, base_url="https://billing.example.com")
    said = client.post("/api/auth/register", json=CREDENTIALS).headers["set-cookie"]
    assert said.startswith("__Host-tallystick=tss_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in said.split(";")}
    assert "Domain" not in said
    assert client.get("/api/auth/me").json()["email"] == ADA
    token = client.cookies["__Host-tallystick"]
    tossed = TestClient(world.app, base_url="https://billing.example.com", cookies={"tallystick_session": token})
    assert problem(tossed.get("/api/auth/me")) == (401, "logged_out"), "a cookie that http may set does not count on https"
    assert "Max-Age=0" in client.post("/api/auth/logout", json={}).headers["set-cookie"]


def test_the_token_works_as_a_bearer_too(world: World) -> None:
    token = register(world).json()["access_token"]
    world.client.cookies.clear()
    held = {"Authorization": f"Bearer {token}"}
    assert problem(world.client.get("/api/auth/me")) == (401, "logged_out")
    assert world.client.get("/api/auth/me", headers=held).json()["email"] == ADA
    assert world.client.post("/api/auth/logout", headers=held).json() == {"status": "logged_out"}
    assert problem(world.client.get("/api/auth/me", headers=held)) == (401, "logged_out")


def test_a_log_in_ends_the_session_that_came_with_it(world: World) -> None:
    first = cookie_of(register(world))
    second = cookie_of(world.client.post("/api/auth/login", json=CREDENTIALS))
    world.client.cookies.clear()
    assert first != second
    assert world.client.get("/api/auth/me", headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert world.client.get("/api/auth/me", headers={"Authorization": f"Bearer {second}"}).status_code == 200


def test_a_planted_cookie_never_becomes_a_session(world: World) -> None:
    planted = "tss_" + "A" * 43
    world.client.cookies.set("tallystick_session", planted)
    assert cookie_of(register(world)) != planted


def test_log_out_ends_it_on_the_server_and_in_the_browser(world: World) -> None:
    token = register(world).json()["access_token"]
    answer = world.client.post("/api/auth/logout", headers={"X-Requested-With": "fetch"})
    assert 'tallystick_session="";' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert world.client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert world.client.post("/api/auth/logout", json={}).status_code == 200


def test_half_an_hour_unused_is_over_and_half_a_day_is_too(world: World) -> None:
    register(world)
    world.clock.advance(timedelta(minutes=30))
    assert problem(world.client.get("/api/auth/me")) == (401, "logged_out")
    world.client.post("/api/auth/login", json=CREDENTIALS)
    for minutes in range(20, 12 * 60, 20):
        world.clock.advance(timedelta(minutes=20))
        assert world.client.get("/api/auth/me").status_code == 200, minutes
    world.clock.advance(timedelta(minutes=20))
    assert problem(world.client.get("/api/auth/me")) == (401, "logged_out")


def test_a_stranger_and_a_wrong_password_get_the_same_answer(world: World) -> None:
    register(world)
    answers = [
        world.client.post("/api/auth/login", json={"email": email, "password": "not the password"}, headers={"X-Request-Id": "x"})
        for email in (ADA, "bob@example.com")
    ]
    assert [problem(answer) for answer in answers] == [(401, "wrong_password")] * 2
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers == answers[1].headers


def test_the_sixth_wrong_try_is_told_when_to_come_again(world: World) -> None:
    register(world)
    wrong = {"email": ADA, "password": "not the password"}
    assert [world.client.post("/api/auth/login", json=wrong).status_code for _ in range(5)] == [401] * 5
    limited = world.client.post("/api/auth/login", json=CREDENTIALS)
    assert problem(limited) == (429, "too_many_tries")
    assert limited.headers["retry-after"] == "901"
    world.clock.advance(timedelta(seconds=901))
    assert world.client.post("/api/auth/login", json=CREDENTIALS).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address", "password": SECRET}, "email"),
        ({"email": ADA, "password": "short"}, "password"),
        ({"email": ADA, "password": "password123"}, "password"),
        ({"email": ADA, "password": "x" * 257}, "password"),
        ({"email": ADA, "password": SECRET, "role": "admin"}, "role"),
        ({"email": ADA, "password": SECRET, "id": "acc_mine"}, "id"),
        ({"email": ADA}, "password"),
        ({"email": ADA, "password": 12345678}, "password"),
    ],
)
def test_what_is_wrong_is_named_and_never_repeated(world: World, body: dict[str, object], field: str) -> None:
    answer = world.client.post("/api/auth/register", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert str(body.get("password", "?")) not in answer.text
    assert world.billing.accounts() == []


def test_an_address_has_one_account(world: World) -> None:
    register(world)
    again = world.client.post("/api/auth/register", json={"email": "ADA@Example.com", "password": SECRET})
    assert problem(again) == (409, "email_taken")


@pytest.mark.parametrize("path", ["register", "login", "logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost:8000"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
)
def test_no_other_sites_page_logs_anybody_in_or_out(world: World, path: str, headers: dict[str, str]) -> None:
    register(world, "bob@example.com")
    given = {"Content-Type": "application/json", **headers}
    answer = world.client.post(
        f"/api/auth/{path}", content=b'{"email": "eve@example.com", "password": "' + b"x" * 9 + b'"}', headers=given
    )
    assert problem(answer) == (403, "cross_site")
    assert "set-cookie" not in answer.headers
    assert world.client.get("/api/auth/me").json()["email"] == "bob@example.com"


def test_pages_of_the_origins_that_are_allowed_may_ask_and_read(world: World) -> None:
    settings = Settings(
        _env_file=None, database_url="sqlite://", TALLYSTICK_ALLOWED_ORIGINS="https://app.example.com, http://b.example"
    )
    client = TestClient(create_app(world.billing, settings), base_url="http://localhost:8000")
    for origin, allowed in (("https://app.example.com", True), ("http://b.example", True), ("https://evil.example", False)):
        answer = client.post("/api/auth/login", json=CREDENTIALS, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
        assert answer.json()["code"] == ("wrong_password" if allowed else "cross_site")
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
    plain = world.client.get("/healthz", headers={"Origin": "https://app.example.com"})
    assert "access-control-allow-origin" not in plain.headers


def test_a_users_session_opens_nothing_of_the_engines_own(world: World) -> None:
    token = register(world).json()["access_token"]
    answer = world.client.get("/v1/customers", headers={"Authorization": f"Bearer {token}"})
    assert problem(answer) == (403, "forbidden")
    assert problem(world.client.get("/v1/customers")) == (403, "forbidden"), "its cookie opens as little"
    world.client.cookies.clear()
    assert problem(world.client.get("/v1/customers")) == (401, "unauthorized")
