"""`tallystick doctor` says what is ill, and what to do; and that is all it does."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tallystick.app import Tallystick
from tallystick.domain.diagnosis import Finding, Health
from tallystick.domain.usage import Meter
from tallystick.settings import Settings
from tallystick.storage.jobs import JobName, enqueue
from tallystick.testing import FakeClock
from tallystick.values.ids import MeterKey
from tallystick.worker import schedule
from tests.cli.conftest import Shell

SECRET = "whsec_" + "x" * 32


class Patient:
    """An engine on a clock that stands still, with the sandbox's webhooks coming in."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock()
        path = f"{url.removeprefix('sqlite:///')}-sandbox"
        self.settings = Settings(_env_file=None, database_url=url, sandbox_path=path, public_url="https://billing.example.com")
        self.billing = Tallystick.from_settings(self.settings, clock=self.clock, receives=True)
        assert self.billing.sandbox is not None
        self.sandbox = self.billing.sandbox

    def hears(self) -> None:
        """A delivery comes in, and is verified."""
        self.billing.put_customer("ada", email="ada@example.com")
        self.sandbox.handle("POST", "/v1/customers", headers={"Authorization": "Bearer sk_test_dashboard"})
        schedule.Sweeps().run_due(self.billing.context)
        self.sandbox.webhooks.deliver_due(lambda url, headers, body: 200 if self.billing.receive(body, headers) else 500)

    def told(self) -> dict[str, Finding]:
        return {finding.subject: finding for finding in self.billing.diagnose(self.settings)}

    def ill(self) -> set[str]:
        return {subject for subject, finding in self.told().items() if finding.health is not Health.OK}


@pytest.fixture
def patient(sqlite_url: str) -> Iterator[Patient]:
    made = Patient(sqlite_url)
    yield made
    made.billing.close()


def test_who_is_well_hears_only_that_the_sandbox_moves_no_money(patient: Patient) -> None:
    patient.hears()
    assert patient.ill() == {"key"}
    assert patient.told()["key"].health is Health.WARN
    assert patient.told()["webhook events"].detail.startswith("all ")


def test_before_the_first_delivery_nobody_knows_whether_the_secret_fits(patient: Patient) -> None:
    assert patient.ill() == {"key", "webhook secret", "worker"}


def test_who_exports_usage_is_told_that_nobody_would_say_what_is_not_counted(patient: Patient) -> None:
    patient.hears()
    assert "usage errors" not in patient.told(), "nothing is exported"
    patient.billing.put_meter(Meter(MeterKey("calls"), decimals=0, export_as="calls_made"))
    assert patient.told()["usage errors"].health is Health.OK
    headers = {"Authorization": "Bearer sk_test_dashboard"}
    (listed,) = json.loads(patient.sandbox.handle("GET", "/v2/core/event_destinations", headers=headers).body)["data"]
    patient.sandbox.handle("DELETE", f"/v2/core/event_destinations/{listed['id']}", headers=headers)
    found = patient.told()["usage errors"]
    assert found.health is Health.WARN
    assert "https://billing.example.com/webhooks/stripe" in found.remedy


def test_a_worker_that_is_away_and_an_hour_that_is_wrong_are_seen(patient: Patient) -> None:
    patient.hears()
    with patient.billing.context.database.transaction("enqueue") as conn:
        enqueue(conn, JobName.SETTLE, "evt_1", run_at=patient.clock.now())
    patient.clock.advance(timedelta(minutes=10))
    assert patient.told()["worker"].health is Health.FAIL
    assert "tallystick worker" in patient.told()["worker"].remedy


def test_a_provider_that_does_not_answer_is_one_line_and_no_error(patient: Patient) -> None:
    patient.sandbox.faults.outage(patient.clock.now(), patient.clock.now() + timedelta(hours=1))
    assert patient.told()["key"].health is Health.FAIL
    assert patient.told()["database"].health is Health.OK


def test_the_shell_says_a_line_for_each_part_and_exits_by_the_worst(shell: Shell) -> None:
    shell("migrate")
    text = shell("doctor")
    assert "ok" in text
    assert "warn: key: put a key into STRIPE_SECRET_KEY to go live" in text
    found = shell.json("doctor")
    assert {"subject", "health", "detail", "remedy"} == found[0].keys()
    assert {finding["health"] for finding in found} == {"ok", "warn"}


def test_a_schema_of_another_time_is_told_and_left_as_it_is(shell: Shell) -> None:
    found = {finding["subject"]: finding for finding in shell.json("doctor", exit_status=1)}
    assert found["schema"]["health"] == "fail" or found["database"]["health"] == "fail"
    assert "migrate" in json.dumps(found) or "DATABASE_URL" in json.dumps(found)
    assert "write lock" not in found, "nothing behind it was looked at"


def test_a_setting_that_cannot_be_is_a_line_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_secret_of_mine")
    monkeypatch.setenv("DEBUG", "true")
    found = shell.json("doctor", exit_status=1)
    assert [finding["subject"] for finding in found] == ["settings"]
    assert "DEBUG" in found[0]["detail"]
    assert "secret_of_mine" not in shell.out


def test_a_database_of_another_mode_fails(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_nobody")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:9")
    found = {finding["subject"]: finding for finding in shell.json("doctor", exit_status=1)}
    assert found["database mode"]["health"] == "fail"
    assert found["key"]["health"] == "fail", "nothing listens there"
