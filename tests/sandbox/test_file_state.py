"""A sandbox in a file: it survives a restart, and several processes may use it at once."""

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import stripe

from tallystick.sandbox import Faults, FileState, InProcessClient, MemoryState, Sandbox
from tallystick.sandbox.objects import due
from tests.sandbox.conftest import HandClock
from tests.sandbox.session import drive

WORKER = """
import sys
sys.path[:0] = [sys.argv[3], sys.argv[4]]
import stripe
from tallystick.sandbox import FileState, InProcessClient, Sandbox
from tests.sandbox.conftest import HandClock
sandbox = Sandbox(clock=HandClock(), state=FileState(sys.argv[1]))
v1 = stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1
for number in range(20):
    v1.customers.create({"name": sys.argv[2]}, {"idempotency_key": f"{sys.argv[2]}:{number}"})
"""
ROOT = Path(__file__).parents[2]


def client(path: Path, **more: Any) -> tuple[Sandbox, Any]:
    sandbox = Sandbox(clock=more.pop("clock", HandClock()), state=FileState(path), **more)
    return sandbox, stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1


def work(path: Path, names: list[str]) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(path), name, str(ROOT / "src"), str(ROOT)]) for name in names]
    assert [worker.wait(timeout=60) for worker in workers] == [0] * len(names)


def test_what_was_done_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    sandbox, v1 = client(path)
    ada = v1.customers.create({"name": "Ada"}, {"idempotency_key": "ada"})
    v1.webhook_endpoints.create({"url": "https://example.com/hook", "enabled_events": ["*"]})
    eve = v1.customers.create({"name": "Eve"})
    assert isinstance(sandbox.state, FileState)
    sandbox.state.close()
    sandbox, v1 = client(path)
    assert v1.customers.create({"name": "Ada"}, {"idempotency_key": "ada"}).id == ada.id
    assert v1.customers.create({"name": "Zoe"}).id not in {ada.id, eve.id}
    assert sandbox.webhooks.deliver_due(lambda url, headers, body: 200) == 2
    assert [customer.name for customer in v1.customers.list().data] == ["Zoe", "Eve", "Ada"]


def test_a_file_of_another_version_is_not_misread(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(RuntimeError, match="another version of the sandbox"):
        FileState(path)


def test_two_processes_take_turns_and_make_different_ids(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    work(path, ["one", "two"])
    made = list(client(path)[1].customers.list({"limit": 100}).auto_paging_iter())
    assert sorted(customer.name for customer in made) == ["one"] * 20 + ["two"] * 20
    assert len({customer.id for customer in made}) == 40


def test_two_processes_with_the_same_keys_do_it_once(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    work(path, ["same", "same"])
    assert len(client(path)[1].customers.list({"limit": 100}).data) == 20


def test_a_file_and_the_memory_tell_the_same_story(tmp_path: Path) -> None:
    def story(state: Any) -> bytes:
        sandbox = Sandbox(clock=HandClock(), state=state, seed=7)
        v1 = stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1
        number = iter(range(1000))
        world: Any = type("World", (), {"sandbox": sandbox})
        drive(v1, world, lambda: {"idempotency_key": str(next(number))})
        return sandbox.handle("GET", "/v1/events", query="limit=100", headers={"Authorization": "Bearer sk_test_sandbox"}).body

    assert story(MemoryState()) == story(FileState(tmp_path / "sandbox.db"))


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("effect", ["half", "none"])
def test_what_was_half_done_is_the_first_half(tmp_path: Path, where: str, effect: str) -> None:
    state = MemoryState() if where == "memory" else FileState(tmp_path / "sandbox.db")
    v1, invoice = _paying_failed(Sandbox(clock=HandClock(), state=state, faults=Faults()), effect=effect)
    assert v1.invoices.retrieve(invoice.id).status == "open"
    assert len(v1.charges.list().data) == (1 if effect == "half" else 0)
    assert len({event.id for event in v1.events.list({"limit": 100}).data}) == len(v1.events.list({"limit": 100}).data)


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_chargeCustomerFail"])
def test_where_money_moved_the_other_half_follows_a_minute_later(tmp_path: Path, where: str, method: str) -> None:
    clock, path = HandClock(), tmp_path / "sandbox.db"
    sandbox = Sandbox(clock=clock, faults=Faults(), state=MemoryState() if where == "memory" else FileState(path))
    v1, invoice = _paying_failed(sandbox, method)
    if where == "file":
        v1 = _client(Sandbox(clock=clock, state=FileState(path)))
    clock.move(seconds=59)
    assert v1.invoices.retrieve(invoice.id).status == "open"
    clock.move(seconds=1)
    told = v1.invoices.retrieve(invoice.id)
    is_paid = method == "pm_card_visa"
    assert (told.status, told.amount_paid) == (("paid", 900) if is_paid else ("open", 0))
    assert len(v1.charges.list().data) == 1
    kinds = Counter(event.type for event in v1.events.list({"limit": 100}).data)
    assert (kinds["invoice.paid"], kinds["invoice.payment_failed"]) == ((1, 0) if is_paid else (0, 1))


def test_money_that_was_half_sent_on_its_way_arrives(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 900, "currency": "usd"})
    world.faults.next("stored_500", on="POST /v1/payment_intents/{id}/confirm", effect="half")
    with pytest.raises(stripe.APIError):
        world.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_sandboxClearsLater", "return_url": "https://shop.test"}
        )
    assert world.v1.payment_intents.retrieve(intent.id).status == "processing"
    world.clock.move(minutes=3)
    assert world.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_who_pays_what_is_half_paid_already_is_told_that_it_is_paid() -> None:
    sandbox = Sandbox(clock=HandClock(), faults=Faults())
    v1, invoice = _paying_failed(sandbox)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        v1.invoices.pay(invoice.id)
    assert len(v1.charges.list().data) == 1


def test_what_is_due_within_the_minute_finds_it_whole() -> None:
    sandbox = Sandbox(clock=HandClock(), faults=Faults())
    v1, invoice = _paying_failed(sandbox)
    with sandbox.state.transaction():
        call = sandbox.call()
        due.schedule(call, None, call.wall, "collect_invoice", invoice=invoice.id)
    sandbox.catch_up()
    assert (v1.invoices.retrieve(invoice.id).status, len(v1.charges.list().data)) == ("paid", 1)


def _paying_failed(sandbox: Sandbox, card: str = "pm_card_visa", *, effect: str = "half") -> Any:
    v1 = _client(sandbox)
    ada = v1.customers.create()
    invoice = v1.invoices.create({"customer": ada.id, "currency": "usd"})
    v1.invoice_items.create({"customer": ada.id, "invoice": invoice.id, "amount": 900, "currency": "usd"})
    method = v1.payment_methods.attach(card, {"customer": ada.id})
    v1.invoices.finalize_invoice(invoice.id)
    sandbox.faults.next("stored_500", on="POST /v1/invoices/{id}/pay", effect=effect)
    with pytest.raises(stripe.APIError):
        v1.invoices.pay(invoice.id, {"payment_method": method.id})
    return v1, invoice


def _client(sandbox: Sandbox) -> Any:
    return stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1
