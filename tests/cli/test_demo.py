"""`tallystick demo` makes its business once, in a file of its own."""

from tests.cli.conftest import Shell


def test_a_small_year_is_made_and_proven_and_not_made_twice(shell: Shell) -> None:
    made = shell("demo", "--customers", "2", "--days", "3", "--no-serve")
    assert made == "3 days of 2 customers: the books are whole; the provider's half and ours are the same\n"
    assert (shell.folder / "tallystick-demo.db").exists()
    assert not (shell.folder / "tallystick.db").exists(), "one's own business is another one"
    assert "is there already" in shell("demo", "--no-serve")
