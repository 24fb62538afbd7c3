"""Work to be done outside, as people see it: what waits, runs, fails and was given up; and one of them begun anew."""

from datetime import timedelta
from typing import Any

from tallystick import storage
from tests.web.test_reports import billed
from tests.web.world import World, problem

REASON = "api_error: Stripe is down (req_8cGz3kZ)"


def jobs(world: World, status: str) -> Any:
    answer = world.call("GET", f"/v1/jobs?status={status}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def claimed(world: World) -> storage.jobs.Job:
    """The job that is to collect Ada's invoice, in the hands of a worker."""
    billed(world)
    (due,) = jobs(world, "waiting")
    with world.billing.context.database.transaction("claim") as conn:
        (job,) = storage.jobs.claim(conn, now=world.clock.now(), lease=timedelta(minutes=5), limit=9)
    assert (due["id"], due["name"], due["attempts"], due["error"]) == (job.id, "collect", 0, None)
    return job


def fails(world: World, job: storage.jobs.Job) -> None:
    with world.billing.context.database.transaction("retry") as conn:
        assert storage.jobs.retry(conn, job, run_at=world.clock.now() + timedelta(hours=1), error=REASON)


def dies(world: World, job: storage.jobs.Job) -> None:
    with world.billing.context.database.transaction("bury") as conn:
        assert storage.jobs.bury(conn, job, error=REASON)


def test_a_job_is_listed_by_where_it_is(either_world: World) -> None:
    world = either_world
    job = claimed(world)
    (running,) = jobs(world, "running")
    assert (running["id"], running["attempts"]) == (job.id, 1)
    assert [jobs(world, status) for status in ("waiting", "failing", "dead")] == [[], [], []]
    fails(world, job)
    (failing,) = jobs(world, "failing")
    assert (failing["status"], failing["error"], failing["request_ids"]) == ("failing", REASON, ["req_8cGz3kZ"])
    assert [jobs(world, status) for status in ("waiting", "running", "dead")] == [[], [], []]
    assert problem(world.call("GET", "/v1/jobs?status=lost")) == (422, "invalid_input")


def test_whoever_died_while_at_a_job_holds_it_only_until_the_lease_is_over(world: World) -> None:
    claimed(world)
    world.clock.advance(timedelta(minutes=6))
    assert (jobs(world, "running"), len(jobs(world, "waiting"))) == ([], 1)


def test_a_job_that_fails_is_brought_forward_once_and_that_is_written_down(either_world: World) -> None:
    world = either_world
    job = claimed(world)
    assert problem(world.call("POST", f"/v1/jobs/{job.id}/retry")) == (409, "job_running")
    fails(world, job)
    for _ in range(2):
        answer = world.call("POST", f"/v1/jobs/{job.id}/retry")
        assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (202, "failing", 1)
    (act,) = [entry.act for entry in world.billing.audit() if entry.act.action == "job.retried"]
    assert (act.subject, act.before) == (job.id, {"name": "collect", "subject": job.subject, "status": "failing", "attempts": 1})
    assert world.works() == 1


def test_a_job_that_was_given_up_begins_anew_alone(either_world: World) -> None:
    world = either_world
    job = claimed(world)
    dies(world, job)
    (dead,) = world.call("GET", "/v1/jobs").json()["data"]
    assert (dead["status"], dead["request_ids"]) == ("dead", ["req_8cGz3kZ"])
    again = world.call("POST", f"/v1/jobs/{job.id}/retry").json()
    assert (again["attempts"], jobs(world, "dead")) == (0, [])
    assert world.works() == 1
    assert problem(world.call("POST", f"/v1/jobs/{job.id}/retry")) == (404, "not_found")


def test_what_is_no_job_cannot_be_begun_anew(world: World) -> None:
    for job_id in ("0", "x", "9" * 30, "٣"):
        assert problem(world.call("POST", f"/v1/jobs/{job_id}/retry")) == (404, "not_found")
