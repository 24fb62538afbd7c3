"""Events corrected and retracted on the shell: looked at first, done once, and on the next bill."""

from tests.cli.conftest import Shell
from tests.cli.test_usage_to_paid import CATALOG, MAPPING

USAGE = "when,who,tokens\n2026-01-05 10:00:00,cus_ada,100\n2026-01-05 11:00:00,cus_ada,50\n"


def used(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    tally = shell.json("events", "import", shell.file("usage.csv", USAGE), *MAPPING)
    assert tally["recorded"] == 2


def ids(shell: Shell) -> list[str]:
    (bill,) = shell.json("bill", "--test-card", "pm_card_visa")
    (line,) = shell.json("invoices", "show", bill["number"])["lines"]
    return [event["id"] for event in line["events"]]


def test_a_wrong_event_is_corrected_and_another_retracted(shell: Shell) -> None:
    used(shell)
    first, second = ids(shell)
    of = ("--source", "usage.csv", "--reason", "counted twice")
    corrects = ("events", "correct", "cus_ada", first, "--quantity", "90", *of)
    retracts = ("events", "retract", "cus_ada", second, *of)

    assert "90 tokens, 2026-01-05T10:00:00Z" in shell(*corrects, "--dry-run", exit_status=2)
    assert shell.json(*retracts, "--dry-run", exit_status=2)["would count"] == "nothing"
    assert shell.json("bill") == []

    done = shell.json(*corrects)
    assert (done["status"], done["replacement"]["source"]) == ("corrected", "usage.csv")
    assert shell.json(*corrects) == done
    assert "retracted" in shell(*retracts)
    assert "retracted" in shell(*retracts, "--dry-run"), "there is nothing more to do"
    assert shell.json(*corrects, "--dry-run") == done

    (credit,) = shell.json("bill")
    assert (credit["total"]["amount"], credit["carried_out"]["amount"]) == (0, -60)
    shown = shell("invoices", "show", credit["number"])
    assert "corrected: counted twice" in shown
    assert "retracted: counted twice" in shown
    assert shell.json("verify")["clean"] is True


def test_what_is_not_there_cannot_be_retracted(shell: Shell) -> None:
    used(shell)
    shell("events", "retract", "cus_ada", "nobody", "--reason", "a test", exit_status=1)
    assert "[not_found]" in shell.err
