"""Accounts on the shell: made, listed, promoted, and let in again."""

from tests.cli.conftest import Shell


def test_the_first_admin_is_made_here_with_a_password_that_is_shown_once(shell: Shell) -> None:
    made = shell.json("users", "add", "Admin@Example.com", "--role", "admin")
    assert (made["email"], made["role"], len(made["password"])) == ("admin@example.com", "admin", 27)
    assert made["password"] not in shell("users", "list")
    assert [(user["email"], user["role"]) for user in shell.json("users", "list")] == [("admin@example.com", "admin")]
    assert made["password"] not in shell("users", "add", "ada@example.com")
    assert "keep the password" in shell.out
    shell("users", "add", "ada@example.com", exit_status=1)
    assert "[email_taken]" in shell.err


def test_roles_and_passwords_are_changed_and_the_last_admin_stays(shell: Shell) -> None:
    shell("users", "add", "admin@example.com", "--role", "admin")
    shell("users", "set-role", "admin@example.com", "user", exit_status=1)
    assert "[last_admin]" in shell.err
    shell("users", "add", "ada@example.com")
    assert "is admin" in shell("users", "set-role", "ada@example.com", "admin")
    assert "is user" in shell("users", "set-role", "admin@example.com", "user")
    first, second = (shell.json("users", "reset-password", "ada@example.com")["password"] for _ in range(2))
    assert first != second
    shell("users", "set-role", "ada@example.com", "owner", exit_status=1)
    shell("users", "reset-password", "eve@example.com", exit_status=1)
    assert "[not_found]" in shell.err
