"""Stripe's own invoices: filled once, compared before anybody can pay them, and never paid by nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tallystick.domain.payments import Method, PaymentStatus
from tallystick.providers.protocol import Done, Outcome, PaymentRequest, Refused, RequestedLine, Unknown
from tallystick.providers.stripe import bodies
from tallystick.values.money import EUR, USD, Money
from tallystick.values.time import Period
from tests.providers.stripe_world import OCTOBER, World


def done(outcome: Outcome | None) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def refused(outcome: Outcome | None) -> Refused:
    assert isinstance(outcome, Refused), outcome
    return outcome


@pytest.fixture
def world() -> World:
    return World()


def opened(world: World, *amounts: int) -> tuple[str, PaymentRequest]:
    request = world.request(world.customer(), Method.HOSTED, *amounts)
    draft = done(world.provider.open(request, key="open")).payment
    assert (draft.status, draft.amount, draft.url) == (PaymentStatus.OPEN, Money(0, USD), None)
    return draft.ref, request


def test_a_completed_invoice_shows_our_lines_our_sum_and_a_page_to_pay_it(world: World) -> None:
    ref, request = opened(world)
    ready = done(world.provider.complete(ref, request, key="complete")).payment
    assert (ready.status, ready.amount, ready.invoice_id) == (PaymentStatus.OPEN, Money(1490, USD), "inv_1")
    assert ready.url
    assert ready.url.startswith("http")
    held = world.stripe.invoices.retrieve(ref)
    assert (held.status, held.auto_advance, held.collection_method) == ("open", False, "send_invoice")
    assert held.due_date == int(request.due_at.timestamp())
    assert [(line.amount, line.description) for line in held.lines.data] == [(1000, "Line 0"), (490, "Line 1")]
    period = held.lines.data[0].period
    assert (period.start, period.end) == (int(OCTOBER.start.timestamp()), int(OCTOBER.end.timestamp()))


def test_completing_twice_adds_no_line(world: World) -> None:
    ref, request = opened(world)
    first = done(world.provider.complete(ref, request, key="complete"))
    assert done(world.provider.complete(ref, request, key="complete")) == first
    assert done(world.provider.complete(ref, request, key="another")) == first
    assert done(world.provider.complete(ref, request, key="another", look_first=True)) == first
    assert amounts(world, ref) == [1000, 490]


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply"])
@pytest.mark.parametrize("lost", ["POST /v1/invoiceitems", "POST /v1/invoices/*/finalize", "GET /v1/invoices/*"])
@pytest.mark.parametrize(("key", "look_first"), [("complete:0", False), ("complete:1", True), ("complete:1", False)])
def test_what_was_lost_halfway_is_taken_up_where_it_stands(
    world: World, fault: str, lost: str, key: str, look_first: bool
) -> None:
    ref, request = opened(world)
    world.faults.next(fault, lost)
    assert isinstance(world.provider.complete(ref, request, key="complete:0"), Unknown)
    ready = done(world.provider.complete(ref, request, key=key, look_first=look_first)).payment
    assert ready.amount == request.amount
    assert sorted(amounts(world, ref)) == [490, 1000]


@pytest.mark.parametrize("effect", ["done", "half", "none"])
def test_a_stored_failure_of_one_line_is_overcome_by_a_new_key_and_a_look(world: World, effect: str) -> None:
    ref, request = opened(world)
    world.faults.next("stored_500", "POST /v1/invoiceitems", effect=effect)
    assert isinstance(world.provider.complete(ref, request, key="complete:0"), Unknown)
    again = world.provider.complete(ref, request, key="complete:0")
    if isinstance(again, Unknown):
        assert again.stored
        again = world.provider.complete(ref, request, key="complete:1", look_first=True)
    assert done(again).payment.amount == request.amount
    assert sorted(amounts(world, ref)) == [490, 1000]


def test_lines_that_do_not_add_up_are_not_even_sent(world: World) -> None:
    ref, request = opened(world)
    wrong = replace(request, amount=Money(1491, USD))
    assert refused(world.provider.complete(ref, wrong, key="complete")).code == "amount_mismatch"
    assert refused(world.provider.complete(ref, replace(request, lines=()), key="complete")).code == "amount_mismatch"
    assert amounts(world, ref) == []


def test_a_foreign_line_keeps_the_invoice_from_being_finalised(world: World) -> None:
    ref, request = opened(world)
    world.stripe.invoice_items.create({"customer": request.customer_ref, "invoice": ref, "amount": 1, "currency": "usd"})
    assert refused(world.provider.complete(ref, request, key="complete")).code == "amount_mismatch"
    assert world.stripe.invoices.retrieve(ref).status == "draft"


def test_a_balance_at_stripe_keeps_it_too_for_it_would_pay_a_part(world: World) -> None:
    world.stripe.customers.balance_transactions.create(world.customer(), {"amount": -500, "currency": "usd"})
    ref, request = opened(world)
    told = refused(world.provider.complete(ref, request, key="complete"))
    assert told.code == "amount_mismatch"
    assert "balance" in told.message
    assert world.stripe.invoices.retrieve(ref).status == "draft"


def test_an_invoice_that_somebody_finalised_with_another_sum_is_voided_before_it_is_paid(world: World) -> None:
    ref, request = opened(world)
    world.stripe.invoice_items.create({"customer": request.customer_ref, "invoice": ref, "amount": 900, "currency": "usd"})
    world.stripe.invoices.finalize_invoice(ref)
    for _ in range(2):
        assert refused(world.provider.complete(ref, request, key="complete")).code == "amount_mismatch"
    assert world.stripe.invoices.retrieve(ref).status == "void"


def test_a_line_that_slips_in_before_the_finalising_gets_it_voided_at_once(world: World) -> None:
    ref, request = opened(world)

    def somebody_adds_a_cent() -> object:
        return world.stripe.invoice_items.create(
            {"customer": request.customer_ref, "invoice": ref, "amount": 1, "currency": "usd"}
        )

    provider = world.interrupted(5, somebody_adds_a_cent)  # a look, two lines, a look, and now to finalise
    assert refused(provider.complete(ref, request, key="complete")).code == "amount_mismatch"
    assert world.stripe.invoices.retrieve(ref).status == "void"


def test_a_sum_below_the_minimum_is_not_finalised(world: World) -> None:
    ref, request = opened(world, 49)
    assert refused(world.provider.complete(ref, request, key="complete")).code == "below_minimum"
    assert world.stripe.customers.retrieve(request.customer_ref).balance == 0


def test_paid_without_money_is_not_paid(world: World) -> None:
    ref, request = opened(world, 49)
    world.stripe.invoice_items.create({"customer": request.customer_ref, "invoice": ref, "amount": 49, "currency": "usd"})
    assert world.stripe.invoices.finalize_invoice(ref).status == "paid"
    for outcome in (
        world.provider.fetch(ref, Method.HOSTED),
        world.provider.find(request),
        world.provider.complete(ref, request, key="complete"),
        world.provider.charge(ref, Method.HOSTED, key="charge"),
        world.provider.cancel(ref, Method.HOSTED, key="cancel"),
    ):
        assert refused(outcome).code == "below_minimum"


def test_paid_out_of_band_is_paid(world: World) -> None:
    ref, request = opened(world)
    done(world.provider.complete(ref, request, key="complete"))
    world.stripe.invoices.pay(ref, {"paid_out_of_band": True})
    paid = done(world.provider.fetch(ref, Method.HOSTED)).payment
    assert (paid.status, paid.paid) == (PaymentStatus.SUCCEEDED, Money(1490, USD))


def test_a_draft_is_never_charged_for_stripe_would_finalise_it_unread(world: World) -> None:
    ref, _ = opened(world)
    told = world.provider.charge(ref, Method.HOSTED, key="charge", payment_method="pm_card_visa")
    assert refused(told).code == "not_payable"


def test_canceling_deletes_a_draft_and_voids_what_is_open(world: World) -> None:
    ref, request = opened(world)
    done(world.provider.complete(ref, request, key="complete"))
    world.stripe.invoices.mark_uncollectible(ref)
    assert done(world.provider.fetch(ref, Method.HOSTED)).payment.status is PaymentStatus.OPEN, "it can still be paid"
    assert done(world.provider.cancel(ref, Method.HOSTED, key="cancel")).payment.status is PaymentStatus.CANCELED
    assert world.stripe.invoices.retrieve(ref).status == "void"


def test_a_deletion_with_a_lost_reply_is_proved_by_its_event(world: World) -> None:
    ref, request = opened(world)
    world.faults.next("lost_reply", "DELETE /v1/invoices/*")
    assert isinstance(world.provider.cancel(ref, Method.HOSTED, key="cancel"), Unknown)
    gone = done(world.provider.cancel(ref, Method.HOSTED, key="cancel")).payment
    assert (gone.ref, gone.status, gone.invoice_id) == (ref, PaymentStatus.CANCELED, "inv_1")
    assert world.provider.find(request) is None
    assert refused(world.provider.cancel("in_never", Method.HOSTED, key="cancel:2")).code == "resource_missing"


def test_more_lines_than_fit_are_merged_from_the_smallest_and_nothing_is_lost(world: World) -> None:
    ref, request = opened(world, *range(1, 301))
    ready = done(world.provider.complete(ref, request, key="complete")).payment
    assert ready.amount == Money(sum(range(1, 301)), USD)
    assert done(world.provider.complete(ref, request, key="again", look_first=True)).payment == ready
    shown = amounts(world, ref)
    assert len(shown) == bodies.LINES_MAX
    assert shown[-1] == sum(range(1, 52)), "51 lines, of 1 to 51 cents, became one"


def test_which_lines_are_merged_depends_on_the_lines_alone() -> None:
    lines = tuple(RequestedLine(f"l{n:03}", "x", Money(-5 if n % 2 else 5, EUR), OCTOBER) for n in range(400))
    first = bodies.fitted(lines)
    assert first == bodies.fitted(lines)
    assert {line.id for line in bodies.fitted(lines[::-1])} == {line.id for line in first}
    assert bodies.total(first) == bodies.total(lines)
    assert bodies.fitted(lines[:250]) == lines[:250]


def test_a_merged_line_spans_all_its_periods() -> None:
    later = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    lines = tuple(RequestedLine(f"l{n:03}", "x", Money(1, USD), OCTOBER if n < 260 else later) for n in range(300))
    assert bodies.fitted(lines)[-1].period == Period(OCTOBER.start, later.end)


def amounts(world: World, ref: str) -> list[int]:
    """The lines that Stripe holds, in the order in which they are shown."""
    return [line.amount for line in world.stripe.invoices.line_items.list(ref, {"limit": 100}).auto_paging_iter()]
