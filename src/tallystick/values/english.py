"""Numbers in English sentences."""


def counted(count: int, one: str, many: str = "") -> str:
    """How many of what: 1 invoice, 2 invoices. `many` is needed where more changes than an s: 1 job is due, 2 jobs are due."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
