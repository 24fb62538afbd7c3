"""Numbers in English sentences."""

from tallystick.values.english import counted


def test_one_is_one_and_everything_else_is_many() -> None:
    assert [counted(count, "invoice") for count in (0, 1, 2)] == ["0 invoices", "1 invoice", "2 invoices"]


def test_what_is_more_than_an_s_is_said() -> None:
    said = [counted(count, "job is due", "jobs are due") for count in (1, 2)]
    assert said == ["1 job is due", "2 jobs are due"]
