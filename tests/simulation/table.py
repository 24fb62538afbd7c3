"""What a run went through, in words and figures: without them, "passed" says nothing."""

from tests.simulation.story import Told


def of(told: Told) -> str:
    """Counts of everything, faults by kind, and marks by how many seeds have reached them."""
    head = (
        f"{told.seeds} seeds: {told.steps} steps, {told.commits} commits, {told.events} events, {told.invoices} invoices, "
        f"{told.charges} charges, {told.calls} calls of the provider"
    )
    return "\n".join((head, "faults", *_rows(told.counts), "marks (seeds that reached them)", *_rows(told.marks)))


def _rows(counts: dict[str, int]) -> list[str]:
    return [f"  {count:8}  {name}" for name, count in sorted(counts.items())]
