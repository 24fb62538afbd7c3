"""Coupons and credit on the shell: from a file to a discount, and a grant that is given once."""

from tests.cli.conftest import Shell

CATALOGUE = """
[[coupons]]
key = "EARLYBIRD30"
name = "Early bird"
percent = "30"
duration = "months"
months = 3
codes = [{code = "EARLY", max_redemptions = 1}]

[[coupons]]
key = "LAUNCH2025"
amounts = {eur = "50.00"}
"""


def test_a_coupon_from_a_file_is_redeemed(shell: Shell) -> None:
    file = shell.file("coupons.toml", CATALOGUE)
    shell("catalog", "apply", file, "--dry-run", exit_status=2)
    shell("catalog", "apply", file)
    assert "nothing to change" in shell("catalog", "apply", file)
    assert "would be redeemed, 30 % months" in shell("coupons", "redeem", "ada", "early", "--dry-run", exit_status=2)
    assert shell.json("coupons", "list")[0]["redemptions"] == 0
    first = shell.json("coupons", "redeem", "ada", "early")
    assert shell.json("coupons", "redeem", "ada", "EARLYBIRD30") == first
    assert "Early bird, 30 % months until" in shell("coupons", "redeem", "ada", "EARLY")
    shell("coupons", "redeem", "ben", "early", exit_status=1)
    assert "[redemptions_used_up]" in shell.err
    shell("coupons", "redeem", "ben", "nothing", "--dry-run", exit_status=1)
    assert "[unknown_coupon]" in shell.err
    assert shell("coupons", "list").splitlines()[1].split() == [*"EARLYBIRD30 Early bird 30 % months 1".split()]
    written = shell.file("again.json", shell("catalog", "show"))
    assert "nothing to change" in shell("catalog", "apply", written)


def test_credit_is_granted_once(shell: Shell) -> None:
    grant = ("credits", "grant", "ada", "10.00", "eur", "--name", "Top-up", "--op", "order-1")
    assert "10.00 EUR would be granted, prepaid" in shell(*grant, "--dry-run", exit_status=2)
    assert shell.json("credits", "list", "ada") == []
    first = shell.json(*grant)
    assert shell.json(*grant) == first
    assert shell.json("credits", "list", "ada") == [first]
    assert first["amount"] == first["remaining"] == {"amount": 1000, "currency": "eur"}
    assert "10.00 EUR of 10.00 EUR remain of Top-up" in shell(*grant)
    assert "Top-up" in shell("credits", "list", "ada")
    for wrong, said in (
        (("10.001", "eur"), "amount"),
        (("10", "xxx"), "currency"),
        (("0", "eur"), "amount"),
        (("11", "eur"), "operation_conflict"),
    ):
        shell("credits", "grant", "ada", *wrong, "--name", "Top-up", "--op", "order-1", exit_status=1)
        assert said in shell.err
