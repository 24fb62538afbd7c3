"""How the business does, on the shell."""

from tallystick.app import Tallystick
from tallystick.domain.payments import Collection
from tallystick.settings import read_settings
from tallystick.worker.loop import run_until_idle
from tests.cli.conftest import Shell

CATALOGUE = """
[[plans]]
key = "pro"
charges = [{key = "base", kind = "recurring", prices = [{currency = "eur", model = "flat", amount = "99"}]}]
"""


def test_what_recurs_and_what_fails_is_printed_by_month(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    assert shell.json("report", "mrr") == []
    assert "nothing was earned" in shell("report", "top-customers")
    billing = Tallystick.from_settings(read_settings())
    billing.subscribed("ada", "pro", collection=Collection(payment_method="pm_card_visa_chargeDeclined"))
    run_until_idle(billing.context)
    billing.close()
    before, now = shell.json("report", "mrr", "--months", "2")
    assert (before["mrr"], now["mrr"], now["new"], now["currency"]) == (0, 9900, 9900, "eur")
    assert "99.00 EUR" in shell("report", "mrr", "--months", "1")
    assert now["month"][:7] in shell("report", "churn")
    assert shell.json("report", "churn")[-1]["customers_after"] == 1
    (failed,) = shell.json("report", "payments", "--months", "1")
    assert (failed["tried"], failed["failed"], failed["failure_rate"]) == (1, 1, "1")
    assert "generic_decline 1" in shell("report", "payments")
    assert "100 %" in shell("report", "payments")
    assert shell.json("report", "top-customers") == [], "what was asked for in advance is not earned yet"
