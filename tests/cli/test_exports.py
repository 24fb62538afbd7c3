"""What is unclear of usage at the provider is looked at and cleared on the shell."""

import pytest

from tallystick.cli.engine import engine
from tests.cli.conftest import Shell
from tests.cli.test_sync import MONTH, metered

__all__ = ["metered"]


@pytest.fixture
def lost(metered: Shell) -> tuple[Shell, str]:
    """Both were sent, and of ada's nobody can tell any more. Its name."""
    metered("sync", "--month", MONTH, "--commit")
    told = "UPDATE tallystick_usage_exports SET status = 'unclear', reason = 'lost' WHERE customer_id = 'cus_ada'"
    with engine() as billing, billing.context.database.transaction("a test") as conn:
        conn.exec_driver_sql(told)
        name = conn.exec_driver_sql("SELECT event_id, source FROM tallystick_usage_exports WHERE status = 'unclear'").one()
    return metered, " ".join(name)


def test_it_is_listed_with_what_the_provider_counts_and_cleared_once(lost: tuple[Shell, str]) -> None:
    shell, (event, source) = lost[0], lost[1].split()
    (shown,) = shell.json("exports", "unclear", exit_status=2)
    assert (shown["customer"], shown["without"], shown["with"], shown["provider"]) == ("cus_ada", "0", "12.5", "12.5")
    assert "lost" in shell("exports", "unclear", "--customer", "cus_ada", exit_status=2)
    assert shell("exports", "unclear", "--customer", "cus_ben") == "nothing is unclear\n"
    clear = ("exports", "clear", "cus_ada", event, "--source", source, "--reason", "it is there", "--delivered")
    assert "would be: cus_ada" in shell(*clear, "--dry-run", exit_status=2)
    assert len(shell.json("exports", "unclear", exit_status=2)) == 1
    for _ in range(2):
        assert shell.json(*clear)["status"] == "sent"
    assert "is sent" in shell(*clear, "--dry-run")
    assert shell.json("exports", "unclear") == []
    assert [act["action"] for act in shell.json("audit")].count("usage_export.delivered") == 1
    shell(*clear[:-1], "--send-again", exit_status=1)
    assert "[not_unclear]" in shell.err
    shell(*clear[:-1], exit_status=1)
    assert "say which of the two is so" in shell.err
