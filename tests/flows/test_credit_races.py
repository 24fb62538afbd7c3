"""All pairs of {pay, void, refund, credit} at once, on both engines: whoever is first, the books are whole."""

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import pytest

from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.flows.bill_usage import Collection
from tallystick.values.errors import Busy, Conflict, InvalidInput, ProviderUnavailable
from tests.flows.crowd import at_once, charges
from tests.flows.test_credit_notes import balances, billed, refunded, usd
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
NO = (Busy, Conflict, InvalidInput, ProviderUnavailable)
Act = Callable[[World, Invoice, int], None]


def pay(world: World, invoice: Invoice, _: int) -> None:
    world.billing.collect(invoice.id)


def void(world: World, invoice: Invoice, _: int) -> None:
    world.billing.void(invoice.id, reason="a test")


def refund(world: World, invoice: Invoice, number: int) -> None:
    world.billing.refund(invoice.id, amount=usd(6000), reason="a test", op=f"refund-{number}")


def credit_part(world: World, invoice: Invoice, number: int) -> None:
    world.billing.credit_note(invoice.id, amount=usd(4000), reason="a test", op=f"part-{number}")


def credit_all(world: World, invoice: Invoice, number: int) -> None:
    world.billing.credit_note(invoice.id, reason="a test", op=f"all-{number}")


def keep(world: World, invoice: Invoice, number: int) -> None:
    world.billing.credit_note(invoice.id, amount=usd(7000), refund=False, reason="a test", op=f"keep-{number}")


ACTS: dict[str, Act] = {act.__name__: act for act in (pay, void, refund, credit_part, credit_all, keep)}
PAIRS = list(combinations_with_replacement(ACTS, 2))


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def tried(act: Act, world: World, invoice: Invoice, number: int) -> str:
    try:
        act(world, invoice, number)
    except NO as no:
        return no.code
    return "done"


@pytest.mark.parametrize("paid_before", [False, True], ids=["open", "paid"])
def test_each_pair_leaves_whole_books(world: World, paid_before: bool) -> None:
    for pair in PAIRS:
        how = Collection(Method.INTENT, automatic=not paid_before, payment_method="pm_card_visa")
        invoice = billed_only(world, Collection(Method.INTENT, payment_method="pm_card_visa") if paid_before else how)
        if paid_before:
            world.works()
        back = len(refunded(world))
        acts = [ACTS[name] for name in pair]
        said = at_once(2, lambda number, acts=acts, of=invoice: tried(acts[number], world, of, number))
        world.later(minutes=1).works()
        world.delivers(times=2)
        world.works()
        check(world, invoice, f"{pair}: {said}", refunded(world)[: len(refunded(world)) - back])
        finish(world, invoice)
    assert world.works() == 0


def billed_only(world: World, collection: Collection) -> Invoice:
    world.uses("ada", "calls", 100)
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada", collection=collection)
    return invoice


def check(world: World, invoice: Invoice, what: str, given_back: list[int]) -> None:
    now, notes = world.now(invoice), world.billing.credit_notes_of([invoice]).get(invoice.id, [])
    credited = sum(note.amount.minor for note in notes)
    taken = charges(world.sandbox).get(invoice.id, [])
    assert len(taken) <= 1, what
    assert 0 <= credited <= invoice.total.minor, what
    assert sum(given_back) == sum(note.refunded.minor for note in notes) <= sum(taken), what
    asked = invoice.total.minor - sum(note.reduced.minor for note in notes)
    if now.status is InvoiceStatus.PAID and taken:
        assert taken == [asked], what
    if now.status is InvoiceStatus.VOID:
        assert not taken, what
    world.proves()


def finish(world: World, invoice: Invoice) -> None:
    """What is still open is voided, so that the next pair begins anew."""
    if world.now(invoice).status is InvoiceStatus.OPEN:
        world.billing.void(invoice.id, reason="the next pair")
    assert balances(world).get("receivable", 0) == 0
    world.proves()


def test_of_many_refunds_at_once_no_more_goes_back_than_was_paid(world: World) -> None:
    invoice = billed(world, 100, Collection(Method.INTENT, payment_method="pm_card_visa"))

    def give(number: int) -> bool:
        try:
            world.billing.refund(invoice.id, amount=usd(3000), reason="a test", op=f"op-{number % 6}")
        except (InvalidInput, Conflict):
            return False
        return True

    assert sum(at_once(12, give)) == 6, "three refunds, each asked for twice"
    world.works()
    assert refunded(world) == [3000, 3000, 3000]
    numbers = sorted(note.number for note in world.billing.credit_notes())
    assert numbers == ["CN-000001", "CN-000002", "CN-000003"]
    world.proves()
