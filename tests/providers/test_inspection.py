"""What we ask Stripe about the account, and which of its events we ask for."""

import re

import pytest
import stripe

from tallystick.domain.diagnosis import ProviderAccount, ProviderEndpoint
from tallystick.domain.payments import Ignored
from tallystick.providers.protocol import Refused, Unknown
from tallystick.providers.stripe import inspection, subscribed, thin_events, translate
from tests.architecture.source import ROOT
from tests.providers.stripe_world import World


def test_the_account_says_who_it_is_and_what_time_it_is_there() -> None:
    world = World()
    account = world.provider.fetch_account()
    assert account == ProviderAccount("acct_sandbox", False, stripe.api_version, world.clock.now())


def test_endpoints_are_told_with_their_version_and_types() -> None:
    world = World()
    params = {"url": "https://a.example/webhooks/stripe", "enabled_events": ["invoice.paid"], "api_version": stripe.api_version}
    made = world.stripe.webhook_endpoints.create(params)  # type: ignore[arg-type]
    world.stripe.webhook_endpoints.update(made.id, {"disabled": True})
    listed = world.provider.webhook_endpoints()
    assert not isinstance(listed, Refused | Unknown)
    (endpoint,) = listed  # type: ignore[misc]
    assert (endpoint.url, endpoint.enabled) == ("https://a.example/webhooks/stripe", False)
    assert (endpoint.version, endpoint.types) == (stripe.api_version, ("invoice.paid",))


def test_destinations_are_told_with_where_they_lead_to_and_whether_they_are_thin() -> None:
    world = World()
    world.provider._stripe.v2.core.event_destinations.create(
        {
            "name": "usage",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": [*thin_events.REPORTS],
            "webhook_endpoint": {"url": "https://a.example/webhooks/stripe"},
        }
    )
    assert world.provider.event_destinations() == [
        ProviderEndpoint("https://a.example/webhooks/stripe", True, None, thin_events.REPORTS, thin=True)
    ]


def test_an_account_that_cannot_be_asked_is_unknown() -> None:
    world = World()
    world.faults.next("lost_reply", "GET /v1/account")
    assert isinstance(world.provider.fetch_account(), Unknown)


@pytest.mark.parametrize("event", subscribed.EVENTS)
def test_each_event_that_we_ask_for_means_something_here(event: str) -> None:
    named = {translate.INVOICE: "inv_1", translate.CHECKOUT: "chk_1", translate.SUBSCRIPTION: "sub_1"}
    doc = {"id": "obj_1", "metadata": named, "payment_intent": "pi_1", "customer": "cus_1", "invoice": None}
    assert not isinstance(translate.fact(event, doc), Ignored)


def test_the_paper_on_going_live_names_each_of_them() -> None:
    paper = (ROOT / "docs" / "how-to" / "going-live.md").read_text("utf-8")
    block = paper.split("these are all that anything is done with:")[1].split("```")[1]
    named = ProviderEndpoint("", True, None, tuple(re.findall(r"[a-z_]+(?:\.[a-z_*]+)+", block)))
    assert [event for event in subscribed.EVENTS if not named.hears(event)] == []


@pytest.mark.parametrize("date", [None, "yesterday", "Mon, 99 Nov 2026 09:30:00 GMT"])
def test_a_date_that_is_none_is_no_time(date: str | None) -> None:
    assert inspection._instant(date) is None
