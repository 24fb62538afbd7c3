"""A credit note makes an issued invoice smaller, once, and to the cent: before it is paid, and after."""

from collections.abc import Iterator

import pytest

from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.flows.bill_usage import Collection
from tallystick.values.errors import Conflict, InvalidInput, NotFound, ProviderUnavailable
from tallystick.values.money import EUR, USD, Money
from tests.flows.crowd import charges
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
BY_HAND = Collection(Method.INTENT, automatic=False)
HOSTED = Collection(Method.HOSTED, automatic=False)
WITH_CARD = Collection(Method.INTENT, payment_method="pm_card_visa")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def usd(cents: int) -> Money:
    return Money(cents, USD)


def billed(world: World, dollars: int = 100, collection: Collection = BY_HAND) -> Invoice:
    world.uses("ada", "calls", dollars)
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada", collection=collection)
    world.works()
    return invoice


def credited(world: World, invoice: Invoice, cents: int | None, *, op: str = "op-1", **more: object) -> CreditNote:
    amount = None if cents is None else usd(cents)
    return world.billing.credit_note(invoice.id, amount=amount, reason="a test", op=op, **more)  # type: ignore[arg-type]


def balances(world: World) -> dict[str, int]:
    accounts = (Account.RECEIVABLE, Account.CARRIED, Account.CASH, Account.REVENUE, Account.REFUNDS, Account.REFUNDS_DUE)
    found = {account.value: world.balance(account, USD).minor for account in accounts}
    assert sum(found.values()) == 0
    return {name: minor for name, minor in found.items() if minor}


@pytest.mark.parametrize("collection", [BY_HAND, HOSTED], ids=["intent", "hosted"])
def test_a_part_of_an_open_invoice_is_asked_for_no_more(world: World, collection: Collection) -> None:
    invoice = billed(world, 100, collection)
    before = world.payment(invoice)
    notes = [credited(world, invoice, 3000) for _ in range(2)]
    assert notes[0] == notes[1]
    assert (notes[0].number, notes[0].reduced, notes[0].carried) == ("CN-000001", usd(3000), usd(0))
    world.works()
    payment = world.payment(invoice)
    assert (payment.amount, payment.id != before.id, payment.ref != before.ref) == (usd(7000), True, True)
    world.pays(invoice)
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert charges(world.sandbox) == {invoice.id: [7000]}
    assert balances(world) == {"cash": 7000, "revenue": -10000, "refunds": 3000}
    world.proves()


def test_an_open_invoice_may_be_credited_bit_by_bit(world: World) -> None:
    invoice = billed(world, 100)
    for number, cents in enumerate((1000, 2000, 3000)):
        credited(world, invoice, cents, op=f"op-{number}")
        world.works()
        world.proves()
    assert world.payment(invoice).amount == usd(4000)
    with pytest.raises(InvalidInput, match=r"40\.00 USD .* can still be credited, and not 40\.01 USD"):
        credited(world, invoice, 4001, op="too much")
    assert balances(world) == {"receivable": 4000, "revenue": -10000, "refunds": 6000}


def test_an_invoice_that_is_credited_whole_is_void_in_one_step_or_in_several(world: World) -> None:
    for steps in ((None,), (4000, 6000)):
        invoice = billed(world, 100)
        for number, cents in enumerate(steps):
            note = credited(world, invoice, cents, op=f"op-{number}")
            world.works()
        assert note.number
        assert world.now(invoice).status is InvoiceStatus.VOID
        assert world.payment(invoice).status is PaymentStatus.CANCELED
        assert balances(world) == {}
    world.delivers()
    world.works()
    assert world.works() == 0
    world.proves()


def test_a_rest_that_is_too_little_to_collect_is_carried_to_the_next_invoice(world: World) -> None:
    invoice = billed(world, 100)
    note = credited(world, invoice, 9960)
    assert note.carried == usd(40)
    assert world.now(invoice).status is InvoiceStatus.PAID, "by nothing"
    assert balances(world) == {"carried": 40, "revenue": -10000, "refunds": 9960}
    world.proves()
    after = billed(world, 10)
    assert (after.carried_in, after.total) == (usd(40), usd(1040))
    world.proves()


def test_what_a_credited_invoice_had_taken_up_is_carried_again(world: World) -> None:
    carried = billed(world, 100)
    credited(world, carried, 9960)
    invoice = billed(world, 10)
    note = credited(world, invoice, None)
    assert (note.amount, note.carried) == (usd(1040), usd(40))
    assert billed(world, 5).carried_in == usd(40)
    world.proves()


def test_a_voided_invoice_takes_its_credit_notes_with_it(world: World) -> None:
    invoice = billed(world, 100)
    credited(world, invoice, 3000)
    world.works()
    world.billing.void(invoice.id, reason="a test")
    assert balances(world) == {}
    world.proves()
    with pytest.raises(Conflict, match="is void"):
        credited(world, invoice, 1000, op="op-2")


@pytest.mark.parametrize("method", list(Method))
def test_what_was_paid_goes_back_through_the_provider(world: World, method: Method) -> None:
    invoice = billed(world, 100, Collection(method, payment_method="pm_card_visa"))
    for _ in range(2):
        note = credited(world, invoice, 3000)
    assert (note.refunded, note.credited, note.reduced) == (usd(3000), usd(0), usd(0))
    assert balances(world) == {"cash": 10000, "revenue": -10000, "refunds": 3000, "refunds_due": -3000}
    world.proves()
    world.works()
    world.delivers(times=2)
    world.works()
    (refund,) = world.billing.refunds_of(invoice)
    assert (refund.status, refund.amount) == ("succeeded", usd(3000))
    assert balances(world) == {"cash": 7000, "revenue": -10000, "refunds": 3000}
    assert refunded(world) == [3000]
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_no_more_goes_back_than_was_paid(world: World) -> None:
    invoice = billed(world, 100, WITH_CARD)
    credited(world, invoice, 6000, op="op-1")
    for amount in (4001, 10000):
        with pytest.raises(InvalidInput, match=r"40\.00 USD"):
            credited(world, invoice, amount, op="op-2")
    credited(world, invoice, None, op="op-3")
    with pytest.raises(InvalidInput, match=r"0\.00 USD"):
        credited(world, invoice, None, op="op-4")
    world.works()
    assert sorted(refunded(world)) == [4000, 6000]
    world.proves()


def test_without_a_refund_it_stands_in_the_customers_favour(world: World) -> None:
    invoice = billed(world, 100, WITH_CARD)
    note = credited(world, invoice, 3000, refund=False)
    assert (note.refunded, note.credited) == (usd(0), usd(3000))
    world.works()
    assert refunded(world) == []
    after = billed(world, 50)
    assert (after.carried_in, after.total) == (usd(-3000), usd(2000))
    world.proves()
    whole = credited(world, after, None, op="op-2")
    assert (whole.amount, whole.carried) == (usd(2000), usd(-3000))
    assert billed(world, 100).total == usd(7000), "what it had used up of the balance is there again"
    world.proves()


def test_an_operation_has_one_meaning(world: World) -> None:
    invoice = billed(world, 100)
    first = credited(world, invoice, 3000)
    assert credited(world, invoice, None) == first, "all that is left was not asked for anew"
    with pytest.raises(Conflict, match="op: was used before, for CN-000001"):
        credited(world, invoice, 3001)


def test_a_credit_note_may_say_which_lines_it_is_for(world: World) -> None:
    invoice = billed(world, 100)
    (line,) = invoice.lines
    note = credited(world, invoice, None, lines={line.id: usd(2500)})
    assert (note.amount, [each.amount for each in note.lines]) == (usd(2500), [usd(2500)])
    for lines, problem in (
        ({line.id: usd(7501)}, r"75\.00 USD of line_.* can still be credited"),
        ({"line_none": usd(1)}, "no such line"),
        ({line.id: Money(1, EUR)}, "is in usd, not in eur"),
        ({line.id: usd(0)}, "above zero"),
    ):
        with pytest.raises(InvalidInput, match=problem):
            credited(world, invoice, None, op="op-2", lines=lines)
    with pytest.raises(InvalidInput, match=r"come to 1\.00 USD, and not to 2\.00 USD"):
        credited(world, invoice, 200, op="op-2", lines={line.id: usd(100)})
    world.proves()


def test_nothing_is_credited_that_cannot_be(world: World) -> None:
    invoice = billed(world, 100)
    with pytest.raises(NotFound):
        world.billing.credit_note("inv_none", reason="a test", op="op-1")
    with pytest.raises(Conflict, match="is open; what is not paid cannot be refunded"):
        world.billing.refund(invoice.id, reason="a test", op="op-1")
    for wrong in ({"reason": " "}, {"op": ""}, {"amount": usd(0)}, {"amount": usd(-1)}, {"amount": Money(100, EUR)}):
        with pytest.raises(InvalidInput):
            world.billing.credit_note(invoice.id, **({"reason": "a test", "op": "op-1"} | wrong))  # type: ignore[arg-type]
    assert world.payment(invoice).status is PaymentStatus.OPEN, "what is refused leaves the payment as it was"
    assert world.billing.credit_notes() == []


def test_what_is_free_cannot_be_made_smaller(world: World) -> None:
    world.uses("ada", "calls", "0.3")
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada")
    assert invoice.total == usd(0)
    with pytest.raises(InvalidInput, match=r"0\.00 USD"):
        credited(world, invoice, None)
    world.proves()


def test_a_refund_is_named_by_its_invoice_or_its_payment(world: World) -> None:
    invoice = billed(world, 100, WITH_CARD)
    first = world.billing.refund(invoice.id, amount=usd(1000), reason="a test", op="op-1")
    assert world.billing.refund(world.payment(invoice).id, amount=usd(1000), reason="a test", op="op-1") == first
    assert world.billing.credit_note_by_id(first.id) == first
    assert world.billing.refund_by_id(world.billing.refunds()[0].id).credit_note_id == first.id


def test_while_nobody_knows_whether_it_can_be_paid_it_is_not_credited(world: World) -> None:
    invoice = billed(world, 100)
    world.sandbox.faults.next("lost_request", on="POST /v1/payment_intents/{id}/cancel")
    with pytest.raises(ProviderUnavailable):
        credited(world, invoice, 3000)
    assert world.billing.credit_notes() == []
    assert world.payment(invoice).status is PaymentStatus.OPEN, "nothing was canceled there"
    assert credited(world, invoice, 3000).number == "CN-000001"
    world.works()
    assert world.payment(invoice).amount == usd(7000)
    world.proves()


def test_whether_it_can_be_paid_is_looked_up_where_the_reply_was_lost(world: World) -> None:
    invoice = billed(world, 100)
    world.sandbox.faults.next("lost_reply", on="POST /v1/payment_intents/{id}/cancel")
    assert credited(world, invoice, 3000).number == "CN-000001", "what we have canceled ourselves is nobody else's doing"
    world.delivers()
    world.works()
    assert world.payment(invoice).amount == usd(7000)
    assert world.billing.alerts() == []
    world.proves()


def test_what_is_paid_a_moment_before_is_not_credited_as_open(world: World) -> None:
    invoice = billed(world, 100)
    world.pays(invoice)
    with pytest.raises(Conflict, match="can only be refunded"):
        credited(world, invoice, 3000)
    world.delivers()
    world.works()
    assert credited(world, invoice, 3000).refunded == usd(3000)
    world.works()
    assert refunded(world) == [3000]
    world.proves()


def test_a_preview_says_what_would_be_and_keeps_nothing(world: World) -> None:
    invoice = billed(world, 100)
    drafted = world.billing.preview_credit_note(invoice.id, amount=usd(9960), reason="a test", op="op-1")
    assert (drafted.reduced, drafted.carried, drafted.number) == (usd(9960), usd(40), "")
    assert world.billing.credit_notes() == []
    note = credited(world, invoice, 9960)
    assert world.billing.preview_credit_note(invoice.id, amount=usd(9960), reason="a test", op="op-1") == note


def refunded(world: World) -> list[int]:
    """What went back, by the sandbox's own ledger."""
    with world.sandbox.state.transaction():
        return [doc["amount"] for doc in world.sandbox.state.scan("refund") if doc["status"] in {"pending", "succeeded"}]
