"""Alive, ready, and how it is doing."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from tallystick.values.errors import WrongConfiguration
from tests.web.world import World


def test_it_is_ready_where_the_database_is(world: World) -> None:
    assert world.client.get("/healthz").json() == {"status": "ok"}
    ready = world.client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["status"], ready.json()["database"], ready.json()["worker"]) == ("ok", "ok", "ok")
    assert ready.json()["schema_version"]


def test_it_is_not_ready_where_the_schema_is_of_another_time(world: World, monkeypatch) -> None:
    def too_old(_self: object) -> None:
        raise WrongConfiguration("database: is old", code="schema_too_old")

    monkeypatch.setattr(type(world.billing.context.database), "check_schema", too_old)
    ready = world.client.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["worker"]) == (503, "schema_too_old", "unknown")


def test_a_worker_that_is_late_is_told_and_takes_nothing_away(world: World) -> None:
    world.with_calls()
    world.used(500)
    world.clock.advance(timedelta(hours=1))
    world.call("POST", "/v1/invoices", {"customer": "ada"})
    world.clock.advance(timedelta(minutes=6))
    ready = world.client.get("/readyz").json()
    assert (ready["status"], ready["worker"], ready["jobs_due"], ready["job_lag_seconds"]) == ("ok", "late", 1, 360)


def test_the_figures_can_be_read_by_prometheus(world: World) -> None:
    world.with_calls()
    world.used(1)
    world.used(1)
    answer = world.client.get("/metrics")
    found = {sample.name: sample for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "tallystick_jobs" in found
    assert 'tallystick_events_total{verdict="duplicate"} 1.0' in answer.text
    assert 'route="/v1/meters/{key:path}"' in answer.text
    assert "ada" not in answer.text


def test_two_services_count_apart(world: World) -> None:
    from tallystick.web.metrics import Metrics

    other = Metrics()
    world.with_calls()
    assert b"/v1/meters" not in other.page()


def test_the_reference_is_a_page_without_scripts(world: World) -> None:
    page = world.client.get("/docs").text
    assert "/v1/events" in page
    assert "billing:write" in page
    assert "<script" not in page
    assert world.client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_operation_ids_are_names(world: World) -> None:
    paths = world.client.get("/openapi.json").json()["paths"]
    ids = [said["operationId"] for found in paths.values() for said in found.values()]
    assert len(ids) == len(set(ids))
    assert "record_events" in ids
    assert all(name.isidentifier() for name in ids)
