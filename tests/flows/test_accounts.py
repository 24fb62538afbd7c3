"""Registering, logging in and out, on both engines: sessions end in time, tries are counted, and secrets are kept as hashes."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from tallystick.app import Tallystick
from tallystick.domain.accounts import Role
from tallystick.flows.accounts import LoggedIn
from tallystick.values.errors import Conflict, InvalidInput, NotFound, RateLimited, Unauthorized
from tests.scenarios.world import World

ADA, SECRET = "ada@example.com", "correct horse battery"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.register(ADA, SECRET)
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    return world.billing


def wrongly(billing: Tallystick, email: str = ADA, **where: str) -> Exception:
    with pytest.raises((Unauthorized, RateLimited)) as refused:
        billing.log_in(email, "not the password", **where)
    return refused.value


def is_over(billing: Tallystick, session: LoggedIn) -> bool:
    try:
        return billing.logged_in(session.token) is None
    except Unauthorized as refused:
        return refused.code == "logged_out"


def test_an_account_is_a_customer_and_is_made_once(billing: Tallystick) -> None:
    (account,) = billing.accounts()
    assert (account.email, account.role) == (ADA, Role.USER)
    assert billing.customer(account.id).email == ADA
    with pytest.raises(Conflict) as taken:
        billing.register("ADA@example.com", SECRET)
    assert taken.value.code == "email_taken"
    assert len(billing.accounts()) == 1


def test_whoever_logs_in_is_known_until_they_log_out(billing: Tallystick) -> None:
    session = billing.log_in(" Ada@Example.com", SECRET)
    assert billing.logged_in(session.token).email == ADA
    billing.log_out(session.token)
    assert is_over(billing, session)
    billing.log_out(session.token)
    billing.log_out("nonsense")


def test_each_log_in_has_a_token_of_its_own(billing: Tallystick) -> None:
    first, second = billing.log_in(ADA, SECRET), billing.log_in(ADA, SECRET)
    assert first.token != second.token
    billing.log_out(first.token)
    assert not is_over(billing, second)


def test_a_session_is_over_half_an_hour_after_its_last_use(billing: Tallystick, world: World) -> None:
    session = billing.log_in(ADA, SECRET)
    for _ in range(3):
        world.clock.advance(29 * MINUTE)
        assert not is_over(billing, session)
    world.clock.advance(30 * MINUTE - timedelta(microseconds=1))
    assert not is_over(billing, session)
    world.clock.advance(30 * MINUTE)
    assert is_over(billing, session)


def test_a_session_is_over_half_a_day_after_it_began_however_often_it_is_used(billing: Tallystick, world: World) -> None:
    session = billing.log_in(ADA, SECRET)
    for _ in range(12 * 3 - 1):
        world.clock.advance(20 * MINUTE)
        assert not is_over(billing, session)
    world.clock.advance(20 * MINUTE)
    assert is_over(billing, session)


def test_the_answer_is_the_same_for_a_stranger_and_a_wrong_password(billing: Tallystick) -> None:
    known, unknown, none = wrongly(billing), wrongly(billing, "bob@example.com"), wrongly(billing, "no address")
    assert [(e.code, str(e), e.extra) for e in (known, unknown, none)] == [
        ("wrong_password", "email or password: is wrong", {})
    ] * 3


def test_the_time_is_the_same_for_a_stranger_and_a_wrong_password(billing: Tallystick) -> None:
    def fastest(emails: list[str]) -> float:
        spent = []
        for email in emails:
            begun = time.process_time()  # the work, whoever else keeps the machine busy
            wrongly(billing, email)
            spent.append(time.process_time() - begun)
        return min(spent)

    for email in ("eve@example.com", "ian@example.com", "zoe@example.com"):
        billing.register(email, SECRET)
    known = fastest(["eve@example.com", "ian@example.com", "zoe@example.com"])
    unknown = fastest(["x@example.com", "y@example.com", "z@example.com"])
    assert 0.5 < known / unknown < 2, "without the hash of a stranger's password, it is a hundredfold"


def test_the_sixth_wrong_try_within_a_quarter_of_an_hour_is_refused_unheard(billing: Tallystick, world: World) -> None:
    for _ in range(5):
        assert wrongly(billing).code == "wrong_password"
        world.clock.advance(MINUTE)
    with pytest.raises(RateLimited) as limited:
        billing.log_in(ADA, SECRET)
    assert (limited.value.code, limited.value.extra["retry_after"]) == ("too_many_tries", 601)
    world.clock.advance(timedelta(seconds=601))
    assert billing.log_in(ADA, SECRET)


def test_an_unknown_account_is_limited_as_a_known_one_is(billing: Tallystick) -> None:
    assert [wrongly(billing, "bob@example.com").code for _ in range(6)][-1] == "too_many_tries"


def test_one_address_has_five_tries_whatever_account_it_names(billing: Tallystick) -> None:
    for n in range(5):
        assert wrongly(billing, f"u{n}@example.com", address="192.0.2.1").code == "wrong_password"
    assert wrongly(billing, "u6@example.com", address="192.0.2.1").code == "too_many_tries"
    assert billing.log_in(ADA, SECRET, address="192.0.2.2")


def test_a_right_password_is_no_try(billing: Tallystick) -> None:
    for _ in range(2):
        for _ in range(4):
            wrongly(billing, address="192.0.2.1")
        assert billing.log_in(ADA, SECRET, address="192.0.2.1").account.email == ADA
        for _ in range(8):
            billing.log_in(ADA, SECRET, address="192.0.2.7")
        with billing.context.database.transaction("the address is forgiven, not forgotten") as conn:
            conn.execute(text("DELETE FROM tallystick_tries"))


def test_a_hundred_tries_at_once_are_a_hundred_tries(billing: Tallystick) -> None:
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(wrongly(billing).code)) for _ in range(16)]  # type: ignore[attr-defined]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count("wrong_password") == 5
    assert told.count("too_many_tries") == 11


def test_one_address_registers_twenty_and_no_more(billing: Tallystick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.domain.accounts.hashed_password", lambda _password, **_: "$argon2id$")
    for n in range(20):
        billing.register(f"u{n}@example.com", SECRET, address="192.0.2.1")
    with pytest.raises(RateLimited):
        billing.register("u20@example.com", SECRET, address="192.0.2.1")


def test_another_role_ends_the_sessions_and_the_last_admin_stays(billing: Tallystick) -> None:
    session = billing.log_in(ADA, SECRET)
    assert billing.set_role(ADA, "admin").role is Role.ADMIN
    assert is_over(billing, session)
    with pytest.raises(Conflict) as last:
        billing.set_role(ADA, "user")
    assert last.value.code == "last_admin"
    billing.register("bob@example.com", SECRET, role="admin")
    assert billing.set_role(ADA, "user").role is Role.USER
    acts = [(entry.act.action, entry.act.after) for entry in billing.audit(limit=2)]
    assert acts == [("account.role_set", {"role": "user"}), ("account.registered", {"role": "admin"})]
    for email, role, error in (("bob@example.com", "owner", InvalidInput), ("eve@example.com", "user", NotFound)):
        with pytest.raises(error):
            billing.set_role(email, role)


def test_a_new_password_ends_the_sessions_and_opens_at_once(billing: Tallystick) -> None:
    session = billing.log_in(ADA, SECRET)
    for _ in range(5):
        wrongly(billing)
    told = billing.reset_password(ADA)
    assert is_over(billing, session)
    assert billing.log_in(ADA, told).account.email == ADA
    assert wrongly(billing).code == "wrong_password"
    with pytest.raises(NotFound):
        billing.reset_password("eve@example.com")


def test_neither_password_nor_token_is_kept(billing: Tallystick) -> None:
    token = billing.log_in(ADA, SECRET).token
    with billing.context.database.reading() as conn:
        tables = ("accounts", "sessions", "tries", "audit", "customers")
        kept = "".join(str(conn.execute(text(f"SELECT * FROM tallystick_{table}")).all()) for table in tables)
    assert SECRET not in kept
    assert token not in kept
    assert token[4:] not in kept
    assert billing.verify().clean
