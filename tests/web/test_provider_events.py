"""The provider's half over HTTP: what came in, once more; what comparing found; what banks dispute. For admins."""

from datetime import timedelta

import pytest

from tests.web.world import World, problem

EVENTS = "/v1/provider-events"
HOUR = timedelta(hours=1)


def paid(world: World, card: str) -> str:
    """An invoice of ada's, paid by the card before anything was delivered; the payment's object."""
    world.with_calls()
    world.used(50_000)
    world.clock.advance(HOUR)
    (invoice,) = world.billing.bill("ada")
    world.works()
    provider = world.billing.context.provider
    collected = world.billing.collect(invoice.id)
    ref = collected.payment.ref
    assert ref is not None
    provider.charge(ref, collected.payment.method, key="customer", payment_method=card)
    world.billing.sandbox.catch_up()
    return ref


def test_what_came_in_is_listed_with_what_became_of_it_and_replayed(world: World) -> None:
    ref = paid(world, "pm_card_visa")
    world.delivers()
    world.works()
    listed = world.call("GET", f"{EVENTS}?status=settled").json()["data"]
    (told,) = [each for each in listed if each["kind"] == "invoice.paid"]
    assert (told["about"], told["status"], told["reason"]) == (ref, "settled", None)
    whole = world.call("GET", f"{EVENTS}/{told['id']}").json()
    assert whole["body"]["data"]["object"]["id"] == ref
    again = world.call("POST", f"{EVENTS}/{told['id']}/replay")
    assert (again.status_code, again.json()["status"]) == (202, "new")
    assert world.call("POST", f"{EVENTS}/{told['id']}/replay").status_code == 202, "twice is once"
    world.works()
    assert world.call("GET", f"{EVENTS}/{told['id']}").json()["status"] == "settled"
    assert {act["action"] for act in world.call("GET", "/v1/audit").json()["data"]} >= {"delivery.replayed"}
    assert world.billing.verify().clean


def test_pages_of_the_inbox_meet(world: World) -> None:
    paid(world, "pm_card_visa")
    world.delivers()
    world.works()
    whole = [each["id"] for each in world.call("GET", f"{EVENTS}?limit=100").json()["data"]]
    first = world.call("GET", f"{EVENTS}?limit=3").json()
    rest = world.call("GET", f"{EVENTS}?limit=100&cursor={first['next_cursor']}").json()
    assert [each["id"] for each in first["data"] + rest["data"]] == whole
    assert any(each["status"] == "ignored" and each["reason"] for each in rest["data"] + first["data"])


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", f"{EVENTS}/evt_none", (404, "not_found")),
        ("POST", f"{EVENTS}/evt_none/replay", (404, "not_found")),
        ("GET", f"{EVENTS}?status=lost", (422, "invalid_input")),
        ("GET", f"{EVENTS}?cursor=x", (422, "invalid_input")),
    ],
)
def test_what_is_not_there_is_a_problem(world: World, method: str, path: str, wanted: tuple[int, str]) -> None:
    status, _ = problem(world.call(method, path))
    assert status == wanted[0]


def test_the_last_comparison_and_what_banks_dispute_can_be_read(world: World) -> None:
    assert world.call("GET", "/v1/reconciliation").json() == {"last": None}
    paid(world, "pm_card_createDispute")
    world.billing.reconcile(repair=True)
    last = world.call("GET", "/v1/reconciliation").json()["last"]
    assert last["repair"] is True
    assert {finding["part"]: finding["verdict"] for finding in last["findings"]} == {
        "invoices": "repaired",
        "disputes": "repaired",
    }
    assert world.call("GET", f"/v1/reconciliations/{last['id']}").json() == last
    (dispute,) = world.call("GET", "/v1/disputes?customer=ada").json()["data"]
    assert (dispute["status"], dispute["withdrawn"], dispute["amount"]) == ("needs_response", True, 50_000)
    assert world.call("GET", "/v1/disputes?customer=bob").json()["data"] == []


def test_comparisons_are_listed_newest_first_and_each_shows_both_halves(world: World) -> None:
    ref = paid(world, "pm_card_visa")
    for repair in (False, True, False):
        world.clock.advance(HOUR)
        world.billing.reconcile(repair=repair)
    first = world.call("GET", "/v1/reconciliations?limit=2").json()
    rest = world.call("GET", f"/v1/reconciliations?limit=2&cursor={first['next_cursor']}").json()
    listed = first["data"] + rest["data"]
    assert [(each["repair"], each["status"]) for each in listed] == [(False, "done"), (True, "done"), (False, "done")]
    assert "findings" not in listed[0]
    assert [each["equal"].get("invoices", 0) for each in listed] == [1, 0, 0]
    count = listed[2]["differs"]
    assert [(each["differs"], each["repaired"]) for each in listed] == [(0, 0), (0, count), (count, 0)]
    whole = world.call("GET", f"/v1/reconciliations/{listed[2]['id']}").json()
    (finding,) = [each for each in whole["findings"] if each["part"] == "invoices"]
    assert (finding["ref"], finding["ours"], finding["theirs"]) == (ref, "open 500.00 USD", "succeeded 500.00 USD")
    assert (finding["verdict"], finding["repairable"], finding["reason"]) == ("differs", True, "the news of it never came")
    assert world.call("GET", "/v1/reconciliations/rec_none").status_code == 404


def test_a_comparison_is_asked_for_made_by_the_worker_and_then_read(world: World) -> None:
    paid(world, "pm_card_visa")
    asked = world.call("POST", "/v1/reconcile", {"repair": True})
    said = asked.json()
    assert (asked.status_code, said["status"], said["done_at"], said["equal"]) == (202, "waiting", None, {})
    again = world.call("POST", "/v1/reconcile", {"repair": True}).json()
    assert again == said, "while it waits, twice is once"
    assert world.call("GET", "/v1/reconciliation").json() == {"last": None}
    world.works()
    whole = world.call("GET", f"/v1/reconciliations/{said['id']}").json()
    assert (whole["status"], whole["differs"], whole["repaired"], whole["actor"]) == ("done", 0, 1, said["actor"])
    assert world.call("GET", "/v1/invoices?customer=ada").json()["data"][0]["status"] == "paid"
    assert world.call("POST", "/v1/reconcile", {"repair": True}).json()["id"] != said["id"], "done is done"
    assert world.billing.verify().clean


@pytest.mark.parametrize("since", ["2099-01-01T00:00:00Z", "2026-01-01T00:00:00", "yesterday"])
def test_a_comparison_looks_back_to_an_instant_that_is_over(world: World, since: str) -> None:
    refused = world.call("POST", "/v1/reconcile", {"since": since})
    assert problem(refused)[0] == 422
    assert refused.json()["field"] == "since"
