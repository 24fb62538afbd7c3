"""Invoices and credit notes as files over HTTP: under a key, and to users of their own alone."""

import builtins
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.saas import Saas, code, embedded
from tests.web.test_invoices import billed
from tests.web.world import World, problem

BY_HAND = {"method": "intent", "automatic": False}


@pytest.fixture
def saas(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saas]:
    with embedded(sqlite_url, monkeypatch, str(tmp_path / "sandbox.db")) as found:
        yield found


def test_an_invoice_comes_as_pdf_and_asked_again_as_the_same_bytes(world: World) -> None:
    invoice = billed(world, collection=BY_HAND)
    path = f"/v1/invoices/{invoice['id']}/pdf"
    first, second = (world.call("GET", path) for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert first.headers["content-disposition"] == 'inline; filename="INV-000001.pdf"'
    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content
    assert world.call("GET", f"{path}?language=ja").content != first.content
    assert problem(world.call("GET", f"{path}?language=fr")) == (422, "invalid_input")
    assert problem(world.call("GET", "/v1/invoices/inv_none/pdf")) == (404, "not_found")


def test_a_page_runs_nothing_and_shows_what_others_have_named_as_text(world: World) -> None:
    world.call("PUT", "/v1/customers/ada", {"email": "ada@example.com", "name": "<script>alert(1)</script>"})
    invoice = billed(world, collection=BY_HAND)
    world.call("PUT", "/v1/customers/ada", {"email": "ada@example.com", "name": "<script>alert(1)</script>"})
    page = world.call("GET", f"/v1/invoices/{invoice['id']}/html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "$5.00" in page.text
    assert 'lang="ja"' in world.call("GET", f"/v1/invoices/{invoice['id']}/html?language=ja").text


def test_the_lines_come_for_spreadsheets(world: World) -> None:
    invoice = billed(world, collection=BY_HAND)
    answer = world.call("GET", f"/v1/invoices/{invoice['id']}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["number"], row["amount"], row["discount"], row["currency"]) == ("INV-000001", "5.00", "0.00", "USD")
    marked = world.call("GET", f"/v1/invoices/{invoice['id']}/csv?bom=true")
    assert marked.content == b"\xef\xbb\xbf" + answer.content


def test_a_credit_note_comes_likewise(world: World) -> None:
    invoice = billed(world, collection=BY_HAND)
    body = {"amount": 200, "reason": "*a mistake* #panic()", "op": "1"}
    note = world.call("POST", f"/v1/invoices/{invoice['id']}/credit-notes", body).json()
    pdf, page = (world.call("GET", f"/v1/credit-notes/{note['id']}/{form}") for form in ("pdf", "html"))
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-disposition"] == 'inline; filename="CN-000001.pdf"'
    assert "*a mistake* #panic()" in page.text
    assert "INV-000001" in page.text
    assert "$2.00" in page.text
    assert problem(world.call("GET", "/v1/credit-notes/cn_none/html")) == (404, "not_found")


def test_without_typst_it_is_said_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = billed(world, collection=BY_HAND)
    imported = builtins.__import__

    def without_typst(name: str, *given: Any, **named: Any) -> Any:
        if name == "typst":
            raise ImportError(name)
        return imported(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without_typst)
    refused = world.call("GET", f"/v1/invoices/{invoice['id']}/pdf")
    assert problem(refused) == (422, "pdf_not_installed")
    assert "tallystick[pdf]" in refused.json()["detail"]
    assert world.call("GET", f"/v1/invoices/{invoice['id']}/html").status_code == 200


def test_nobody_without_a_key_sees_a_file(world: World) -> None:
    invoice = billed(world, collection=BY_HAND)
    for form in ("pdf", "html", "csv"):
        assert problem(world.client.get(f"/v1/invoices/{invoice['id']}/{form}")) == (401, "unauthorized")


def test_users_have_their_own_files_and_nobody_elses(saas: Saas) -> None:
    ada, eve = saas.by("ada"), saas.by("eve")
    invoice = saas.billing.subscribed(saas.id_of("ada"), "basic").invoice
    assert invoice is not None
    note = saas.billing.credit_note(invoice.id, reason="a gift", op="1")
    paths = [f"/api/billing/invoices/{invoice.id}/{form}" for form in ("pdf", "html", "csv")]
    paths += [f"/api/billing/credit-notes/{note.id}/{form}" for form in ("pdf", "html")]
    for path in paths:
        mine = ada.get(path)
        assert (mine.status_code, mine.headers["x-content-type-options"]) == (200, "nosniff")
        assert code(eve.get(path)) == (404, "not_found")
        assert code(saas.by().get(path)) == (401, "logged_out")
    assert ada.get(paths[0]).content == saas.billing.invoice_pdf(invoice.id)
    assert "default-src 'none'" in ada.get(paths[1]).headers["content-security-policy"]
