"""Usage in the host's own transaction: kept with its work, gone with it, on both engines."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session

from tallystick.app import Tallystick
from tallystick.app.starter import LIMITS, quotas
from tallystick.domain.entitlements import Policy, Quota
from tallystick.usage_meter import (
    check_api_call_quota,
    check_scraping_task_quota,
    check_token_quota,
    record_api_call_usage,
    record_scraping_task_usage,
    record_token_usage,
)
from tallystick.values.errors import Busy, Conflict, InvalidInput, WrongConfiguration


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The host's own, as hosts make it; with a table of the host's."""
    made = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with made.begin() as conn:
        conn.execute(text("CREATE TABLE jobs (name TEXT PRIMARY KEY)"))
    yield made
    made.dispose()


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    """User 7 is on the limits of basic."""
    made = Tallystick.from_url(database_url)
    from tallystick.app.starter import METERS

    for meter in METERS:
        made.put_meter(meter)
    for meter_key, quota in quotas(LIMITS["basic"]).items():
        made.grant("7", meter_key, quota)
    yield made
    made.close()


def used(billing: Tallystick, meter: str = "tokens", user: str = "7") -> Decimal:
    return billing.check(user, meter).used


def job(session: Session, name: str) -> None:
    session.execute(text("INSERT INTO jobs VALUES (:name)"), {"name": name})


def jobs(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.execute(text("SELECT name FROM jobs ORDER BY name")).scalars())


def test_as_the_seed_of_this_door_calls_it(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        assert check_token_quota(session, 7, requested_tokens=1000) == (True, None)
        record_token_usage(session=session, user_id=7, tokens=500, metadata={"model": "gpt-4", "turns": 2})
        assert check_api_call_quota(session, 7) == (True, None)
        record_api_call_usage(session, 7)
        assert check_scraping_task_quota(session, 7) == (True, None)
        record_scraping_task_usage(session, 7)
        session.commit()
    assert [used(billing, meter) for meter in ("tokens", "api_calls", "scraping_tasks")] == [500, 1, 1]
    (recorded,) = billing.events("7", meter_key="tokens")
    assert (recorded.quantity, recorded.properties) == (500, {"model": "gpt-4", "turns": "2"})


def test_usage_is_kept_with_the_hosts_work(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        job(session, "a")
        record_token_usage(session, 7, 500)
        assert check_token_quota(session, 7, 99_500) == (True, None)
        assert check_token_quota(session, 7, 99_501)[0] is False, "the session sees its own"
        assert used(billing) == 0, "and nobody else does before it commits"
        session.commit()
    assert (jobs(engine), used(billing), len(billing.events("7"))) == (["a"], 500, 1)


def test_usage_is_gone_with_the_hosts_work(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        record_token_usage(session, 7, 500)
        job(session, "a")
        record_token_usage(session, 7, 500)
        session.rollback()
    with Session(engine) as session, suppress(ZeroDivisionError), session.begin():
        record_token_usage(session, 7, 500)
        raise ZeroDivisionError
    assert (jobs(engine), used(billing), billing.events("7")) == ([], 0, [])


def test_usage_is_gone_with_the_savepoint_it_was_in(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        job(session, "a")
        record_token_usage(session, 7, 300)
        inner = session.begin_nested()
        job(session, "b")
        record_token_usage(session, 7, 500)
        inner.rollback()
        record_token_usage(session, 7, 11)
        session.commit()
    assert (jobs(engine), used(billing), len(billing.events("7"))) == (["a"], 311, 2)


def test_a_record_that_is_refused_leaves_nothing_and_harms_nothing(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        job(session, "a")
        record_token_usage(session, 7, 300, op="run-1")
        with pytest.raises(Conflict):
            record_token_usage(session, 7, 400, op="run-1")
        record_token_usage(session, 7, 300, op="run-1")
        for tokens in (-1, 10**40, 0.5, "x"):
            with pytest.raises(InvalidInput):
                record_token_usage(session, 7, tokens)  # type: ignore[arg-type]
        for user in (None, "", "a\nb"):
            with pytest.raises(InvalidInput, match="user_id"):
                record_token_usage(session, user, 1)
        record_token_usage(session, 7, 0)
        session.commit()
    assert (jobs(engine), used(billing), len(billing.events("7"))) == (["a"], 300, 1)


def test_what_was_used_is_counted_beyond_the_limit_and_then_nothing_more_is_allowed(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        assert record_token_usage(session, 7, 99_999).remaining == 1
        over = record_token_usage(session, 7, 2)
        session.commit()
        assert (over.allowed, over.used, over.remaining) == (False, 100_001, 0)
        allowed, error = check_token_quota(session, 7)
    assert not allowed
    assert error is not None
    assert error.startswith("tokens: quota exceeded: 100001 of 100000 used, 1 more asked for; counted anew from ")
    assert billing.verify().clean


def test_a_user_without_a_plan_is_denied_in_words_and_their_usage_is_not_lost(engine: Engine, billing: Tallystick) -> None:
    with Session(engine) as session:
        assert check_token_quota(session, "eve", 1) == (False, "tokens: no active plan includes them; subscribe to one that does")
        record_token_usage(session, "eve", 12)
        session.commit()
        assert not check_token_quota(session, "eve", 1)[0]
    assert [event.quantity for event in billing.events("eve")] == [12]


def test_a_retry_counts_once_with_a_plan_and_without_and_when_one_came_between(engine: Engine, billing: Tallystick) -> None:
    for tries in range(3):
        if tries == 2:
            billing.grant("eve", "tokens", Quota(Decimal(100)))
        with Session(engine) as session:
            record_token_usage(session, "eve", 12, op="run-1")
            session.commit()
    with Session(engine) as session, pytest.raises(Conflict):
        record_token_usage(session, "eve", 13, op="run-1")
    assert [event.quantity for event in billing.events("eve")] == [12]
    assert billing.verify().clean


def test_unlimited_is_unlimited_and_zero_is_written_so_at_this_door_only(engine: Engine, billing: Tallystick) -> None:
    for meter_key, quota in quotas(LIMITS["enterprise"]).items():
        assert quota.limit is None
        billing.grant("big", meter_key, quota)
    billing.grant("none", "tokens", Quota(Decimal(0)))
    with Session(engine) as session:
        assert check_token_quota(session, "big", 10**12) == (True, None)
        assert check_token_quota(session, "none", 1)[0] is False
    with pytest.raises(InvalidInput, match="minutes"):
        quotas({"minutes": 1})


def test_a_soft_quota_allows_what_is_beyond_it(engine: Engine, billing: Tallystick) -> None:
    billing.grant("soft", "tokens", Quota(Decimal(10), Policy.SOFT))
    with Session(engine) as session:
        assert check_token_quota(session, "soft", 11) == (True, None)


def test_users_are_known_by_numbers_texts_and_uuids(engine: Engine, billing: Tallystick) -> None:
    user = UUID(int=5)
    with Session(engine) as session:
        for user_id in (42, "42", user):
            record_api_call_usage(session, user_id, 2)
        session.commit()
    assert [len(billing.events(customer)) for customer in ("42", str(user))] == [2, 1]


def test_the_meters_are_made_when_they_are_first_used(engine: Engine) -> None:
    with Session(engine) as session:
        assert check_scraping_task_quota(session, 1)[0] is False
        record_scraping_task_usage(session, 1, 3)
        session.commit()


def test_two_threads_lose_nothing_of_each_others(engine: Engine, billing: Tallystick) -> None:
    failed: list[Exception] = []

    def work() -> None:
        for _ in range(20):
            try:
                with Session(engine) as session, session.begin():
                    record_token_usage(session, 7, 3)
                    session.execute(text("SELECT count(*) FROM jobs"))
            except Exception as error:  # told below
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        billing.consume("7", "api_calls", op=billing.context.ids.new("op"))
    for thread in threads:
        thread.join()
    assert failed == []
    assert (used(billing), used(billing, "api_calls")) == (120, 10)
    assert billing.verify().clean


def test_a_transaction_that_has_read_something_older_is_told_to_begin_anew(sqlite_url: str) -> None:
    billing = Tallystick.from_url(sqlite_url)
    engine = create_engine(sqlite_url)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN"))
    with Session(engine) as session:
        session.execute(text("SELECT count(*) FROM tallystick_events")).all()
        billing.put_customer("ada")
        with pytest.raises(Busy):
            record_token_usage(session, 7, 3)
        session.rollback()
        record_token_usage(session, 7, 3)
        session.commit()
    assert len(billing.events("7")) == 1
    engine.dispose()
    billing.close()


def test_a_host_that_begins_for_writing_is_joined_as_it_is(sqlite_url: str) -> None:
    billing = Tallystick.from_url(sqlite_url)
    engine = create_engine(sqlite_url)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    with Session(engine) as session:
        with session.begin_nested():
            record_token_usage(session, 7, 3)
        session.rollback()
        assert billing.events("7") == []
        with session.begin_nested():
            record_token_usage(session, 7, 3)
        session.commit()
    assert len(billing.events("7")) == 1
    engine.dispose()
    billing.close()


def test_a_database_without_our_tables_says_what_to_do(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url.replace("postgresql://", "postgresql+psycopg://"))
    with Session(engine) as session, pytest.raises(WrongConfiguration, match="init_db"):
        record_token_usage(session, 7, 3)
    with Session(engine) as session, pytest.raises(WrongConfiguration, match="init_db"):
        check_token_quota(session, 7, 3)
    engine.dispose()
