"""What a doctor says: of each part how it is, and what to do where it is not well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tallystick.domain import diagnosis
from tallystick.domain.diagnosis import Finding, Health, ProviderAccount, ProviderEndpoint

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
URL, VERSION = "https://billing.example.com", "2026-10-28.endive"
WANTED = ("invoice.paid", "payment_intent.succeeded")
OURS = ProviderEndpoint(f"{URL}/webhooks/stripe", True, VERSION, ("*",))


def endpoints(*there: ProviderEndpoint, livemode: bool = True, url: str = URL) -> dict[str, Finding]:
    found = diagnosis.of_endpoints(there, url, wanted=WANTED, version=VERSION, livemode=livemode)
    return {finding.subject: finding for finding in found}


@pytest.mark.parametrize(
    ("apart", "health"),
    [
        (0, Health.OK),
        (4, Health.OK),
        (-4, Health.OK),
        (5, Health.WARN),
        (-239, Health.WARN),
        (240, Health.FAIL),
        (-900, Health.FAIL),
    ],
)
def test_a_clock_that_is_minutes_off_fails_before_good_usage_is_refused(apart: int, health: Health) -> None:
    assert diagnosis.of_clocks(NOON + timedelta(seconds=apart), NOON).health is health


def test_a_clock_says_which_way_it_is_off() -> None:
    assert diagnosis.of_clocks(NOON + timedelta(seconds=30), NOON).detail == "30 s behind the provider's"
    assert diagnosis.of_clocks(NOON - timedelta(seconds=30), NOON).detail == "30 s ahead of the provider's"
    assert diagnosis.of_clocks(None, NOON).health is Health.WARN


def test_an_endpoint_that_hears_all_in_our_version_is_well() -> None:
    assert {finding.health for finding in endpoints(OURS).values()} == {Health.OK}
    named = ProviderEndpoint(OURS.url, True, VERSION, ("invoice.*", "payment_intent.succeeded"))
    assert {finding.health for finding in endpoints(named).values()} == {Health.OK}


def test_without_an_endpoint_of_ours_a_live_business_fails_and_a_test_one_is_warned() -> None:
    other = ProviderEndpoint("https://billing.example.com.evil.test/webhooks/stripe", True, VERSION, ("*",))
    assert endpoints(other)["webhook endpoint"].health is Health.FAIL
    assert endpoints(livemode=False)["webhook endpoint"].health is Health.WARN
    assert "TALLYSTICK_PUBLIC_URL" in endpoints(livemode=False)["webhook endpoint"].remedy


def test_what_is_not_sent_to_us_is_named() -> None:
    found = endpoints(ProviderEndpoint(OURS.url, True, VERSION, ("invoice.paid",)))["webhook events"]
    assert (found.health, found.detail) == (Health.WARN, "not sent to us: payment_intent.succeeded")


@pytest.mark.parametrize("version", [None, "2020-08-27"])
def test_an_endpoint_of_another_version_is_told(version: str | None) -> None:
    found = endpoints(ProviderEndpoint(OURS.url, True, version, ("*",)))["webhook version"]
    assert found.health is Health.WARN
    assert VERSION in found.remedy


def test_an_endpoint_that_is_disabled_or_not_https_fails() -> None:
    assert endpoints(ProviderEndpoint(OURS.url, False, VERSION, ("*",)))["webhook endpoint"].health is Health.FAIL
    plain = ProviderEndpoint("http://billing.example.com/webhooks/stripe", True, VERSION, ("*",))
    found = endpoints(plain, url="http://billing.example.com")
    assert found["webhook endpoint"].health is Health.FAIL


THIN = ProviderEndpoint(f"{URL}/webhooks/stripe", True, None, ("v1.billing.meter.*",), thin=True)
ERRORS = ("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")


def of_usage(*there: ProviderEndpoint, exported: int = 1) -> Finding | None:
    return diagnosis.of_usage_events(there, URL, wanted=ERRORS, exported=exported)


def test_who_exports_no_meter_needs_no_thin_events() -> None:
    assert of_usage(exported=0) is None


def test_who_exports_a_meter_wants_to_hear_what_is_not_counted() -> None:
    well = of_usage(THIN)
    assert well is not None
    assert well.health is Health.OK
    whole, elsewhere = replace(THIN, thin=False), replace(THIN, url="https://else.example.com/webhooks/stripe")
    for wrong in ((), (whole,), (elsewhere,), (replace(THIN, enabled=False),)):
        found = of_usage(*wrong)
        assert found is not None
        assert (found.health, ERRORS[0] in found.remedy, "payload style thin" in found.remedy) == (Health.WARN, True, True)
    half = of_usage(replace(THIN, types=ERRORS[:1]))
    assert half is not None
    assert ERRORS[0] not in half.remedy, "that one is heard"
    assert ERRORS[1] in half.remedy


def test_each_endpoint_has_a_secret_of_its_own() -> None:
    assert diagnosis.of_secrets([OURS, THIN], URL, known=2) is None
    assert diagnosis.of_secrets([OURS, THIN], URL, known=0) is None, "that none is known is told already"
    assert diagnosis.of_secrets([OURS, replace(THIN, enabled=False)], URL, known=1) is None
    found = diagnosis.of_secrets([OURS, THIN], URL, known=1)
    assert found is not None
    assert "with commas between" in found.remedy


def test_a_delivery_that_was_verified_proves_the_secret_for_a_week() -> None:
    assert diagnosis.of_secret(NOON, known=1, now=NOON + timedelta(days=7)).health is Health.OK
    assert diagnosis.of_secret(NOON, known=1, now=NOON + timedelta(days=8)).health is Health.WARN
    assert diagnosis.of_secret(None, known=1, now=NOON).health is Health.WARN
    assert "STRIPE_WEBHOOK_SECRET" in diagnosis.of_secret(None, known=0, now=NOON).remedy


def test_a_database_is_of_one_mode() -> None:
    assert diagnosis.of_mode("test", "live").health is Health.FAIL
    assert diagnosis.of_mode("live", "live").health is Health.OK
    assert diagnosis.of_mode(None, "live").health is Health.OK


def test_work_that_waits_for_more_than_five_minutes_has_no_worker() -> None:
    on_time = diagnosis.of_worker(NOON, due=3, lag=timedelta(minutes=5), now=NOON)
    late = diagnosis.of_worker(NOON, due=3, lag=timedelta(minutes=6), now=NOON)
    assert (on_time.health, late.health) == (Health.OK, Health.FAIL)


def test_a_worker_that_says_nothing_for_five_minutes_is_gone_even_where_nothing_waits() -> None:
    none = timedelta(0)
    assert diagnosis.of_worker(NOON, due=0, lag=none, now=NOON + timedelta(minutes=5)).health is Health.OK
    assert diagnosis.of_worker(NOON, due=0, lag=none, now=NOON + timedelta(minutes=6)).health is Health.FAIL
    assert diagnosis.of_worker(None, due=0, lag=none, now=NOON).health is Health.WARN


def test_work_that_was_given_up_is_told() -> None:
    assert diagnosis.of_dead(0).health is Health.OK
    assert "tallystick jobs --retry" in diagnosis.of_dead(1).remedy


@pytest.mark.parametrize(
    ("count", "job", "meter", "dead"), [(1, "job is", "meter is", "was"), (2, "jobs are", "meters are", "were")]
)
def test_one_is_said_as_one_and_two_as_two(count: int, job: str, meter: str, dead: str) -> None:
    assert diagnosis.of_worker(NOON, due=count, lag=timedelta(minutes=6), now=NOON).detail.startswith(f"{count} {job} due")
    exports = of_usage(exported=count)
    assert exports is not None
    assert exports.detail.startswith(f"{count} {meter} exported")
    assert diagnosis.of_dead(count).detail == f"{count} {dead} given up"


def test_what_is_not_well_says_what_to_do() -> None:
    account = ProviderAccount("acct_1", True, VERSION, NOON)
    found = [
        *diagnosis.of_account(account, sandbox=True),
        diagnosis.of_clocks(None, NOON),
        *endpoints().values(),
        diagnosis.of_secret(None, known=0, now=NOON),
        diagnosis.of_mode("test", "live"),
        diagnosis.of_worker(None, due=1, lag=timedelta(hours=1), now=NOON),
        diagnosis.of_worker(None, due=0, lag=timedelta(0), now=NOON),
        diagnosis.of_dead(1),
    ]
    assert all(finding.remedy for finding in found if finding.health is not Health.OK)
