"""Businesses live through storms and nothing is lost, doubled or forgotten; and every bug that is planted is found."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import tests.simulation.export_bugs
import tests.simulation.quota_bugs  # noqa: F401 puts them on the list
from tests.conftest import ROOM
from tests.simulation import amendment_bugs, dunning_bugs, follow_bugs, page_bugs, plan_bugs, provider_bugs, story, table, weather
from tests.simulation.bugs import BUGS, Bug
from tests.simulation.story import Told
from tests.simulation.world import Failure

SEEDS = int(os.environ.get("TALLYSTICK_SIM_SEEDS", "500"))
PARTS = 20
_MISPLANTED = (AttributeError, ImportError, NameError, TypeError)
SEEDS_ENOUGH = 300  # from here on every rare branch must have been seen
MARKS = (
    *(f"collect.{step}.limited" for step in ("open", "complete", "charge", "fetch", "find")),
    *(f"collect.{step}.unknown" for step in ("open", "complete", "charge", "fetch", "find")),
    "collect.key_too_old",
    "collect.find.found", "collect.find.nothing", "delivery.ignored", "event.corrected", "event.retracted",
    "customer.looked_for_card", "dunning.given_up", "dunning.over.paid", "dunning.retrying", "dunning.try.new_card",
    "dunning.try.schedule", "dunning.waiting", "subscription.past_due", "subscription.recovered", "subscription.unpaid",
    "export.amended", "export.known", "export.looked", "export.reversed", "invoice.late_usage", "invoice.takes_up_carried",
    "payment.lost_race", "payment.succeeded.answer", "payment.succeeded.webhook", "provider_event.duplicate",
    "lease.given_back", "quota.asked_again", "quota.expired",
    "credit_note.open", "credit_note.paid", "credit_note.void", "refund.ask.limited", "refund.ask.unknown",
    "refund.before_the_answer", "refund.failed.webhook", "refund.find.found", "refund.find.nothing", "refund.made_elsewhere",
    "refund.succeeded.answer", "refund.succeeded.webhook", "sweep.stale_refunds",
    "settle.before_the_answer", "sweep.stale_payments", "void.at_the_provider",
    "dispute.needs_response.webhook", "payment.reopened", "payment.held", "payment.released",
    "reconcile.missed_news", "reconcile.repaired.refunds", "reconcile.repaired.disputes", "reconcile.repaired.subscriptions",
    "reconcile.repaired.invoices",
    "mirror.later_answer_stands", "provider_subscription.found",
    "page.closed_for_another", "page.subscribed", "payment.sent_to_page",
)  # fmt: skip


def _lived(seeds: list[int], url: str = "sqlite://") -> Told:
    told = Told()
    for seed in seeds:
        told.add(story.run_seed(seed, url=url))
    return told


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 8), marks=pytest.mark.slow)], ids=["few", "more"])
def test_some_businesses_come_through_their_storms(seeds: range) -> None:
    _lived(list(seeds))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_hundreds_of_businesses_come_through_their_storms(pytestconfig: pytest.Config, part: int) -> None:
    told = _lived(list(range(1000 + part, 1000 + SEEDS, PARTS)))
    room = pytestconfig.stash[ROOM]
    _keep(room, part, told)
    kept = sorted(room.glob("simulated-*.json"))
    if len(kept) == PARTS:  # whoever comes last looks at all
        _check_coverage(_together(kept))


@pytest.mark.slow
def test_businesses_that_nobody_has_seen_before_come_through_too() -> None:
    seeds = [random.SystemRandom().randrange(10**6, 10**9) for _ in range(8)]
    print("seeds", seeds)
    _lived(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [21, 22])
def test_a_business_on_a_file_comes_through(sqlite_url: str, seed: int) -> None:
    _lived([seed], sqlite_url)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [31, 32, 33])
def test_a_business_on_postgresql_comes_through(postgres_url: str, seed: int) -> None:
    _lived([seed], postgres_url)


@pytest.mark.slow
@pytest.mark.parametrize("planted", BUGS, ids=lambda planted: planted.name)
def test_a_planted_bug_is_found(planted: Bug) -> None:
    caught = ""
    for seed in range(planted.seeds_from, planted.seeds_from + planted.seeds_max):
        with planted.plant():
            try:
                story.run_seed(seed, sky=planted.sky(seed, weather.of_seed(seed)))
            except (Exception, Failure) as found:
                _check_planted_well(found)
                caught = f"{planted.name}: seed {seed}: {str(found).splitlines()[0][:160]}"
                break
    print(caught)
    assert caught, f"{planted.name} was not found in {planted.seeds_max} seeds"


def _check_planted_well(found: BaseException) -> None:
    """What stumbles over a name or a parameter is the planting itself, under which the engine has moved on."""
    cause = found.__context__ if isinstance(found, Failure) else found
    if isinstance(cause, _MISPLANTED):
        raise cause


@pytest.mark.parametrize("planted", BUGS, ids=lambda planted: planted.name)
def test_what_is_planted_finds_its_place(planted: Bug) -> None:
    with planted.plant():
        pass


def test_the_list_of_bugs_only_grows() -> None:
    assert all((plan_bugs, amendment_bugs, provider_bugs, dunning_bugs, follow_bugs, page_bugs)), "theirs are on the list too"
    assert len(BUGS) >= 80


@pytest.mark.slow
def test_a_seed_is_the_same_story_whatever_python_hashes_and_whatever_the_process_went_through() -> None:
    _lived([7, 41])
    digests = {"".join(f"{digest}\n" for digest in _lived([40, 41, 42]).digests)}
    for hash_seed in ("0", "1", "12345"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "40", "--seeds", "3", "--digest"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "src:."},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(told.stdout)
    assert len(digests) == 1


def _keep(room: Path, part: int, told: Told) -> None:
    growing = room / f"simulated-{part}.tmp"
    growing.write_text(json.dumps({**vars(told), "digests": []}))
    growing.rename(room / f"simulated-{part}.json")


def _together(kept: list[Path]) -> Told:
    total = Told()
    for file in kept:
        facts = json.loads(file.read_text())
        total.add(Told(**{**facts, "counts": Counter(facts["counts"]), "marks": Counter(facts["marks"])}))
    return total


def _check_coverage(told: Told) -> None:
    """Silence proves nothing where nothing was tried."""
    print(table.of(told))
    if told.seeds < SEEDS_ENOUGH:
        return
    unseen = [mark for mark in MARKS if not told.marks[mark]]
    assert not unseen, f"never reached in {told.seeds} seeds: {unseen}\n{table.of(told)}"
    quiet = [kind for kind in weather.KINDS if not told.counts[kind]]
    assert not quiet, f"never struck in {told.seeds} seeds: {quiet}\n{table.of(told)}"
    closed = [kind for kind in told.counts if kind.startswith("closed: ")]
    always_open = [path for path in weather.PATHS if not any(path in kind for kind in closed)]
    assert not always_open, f"never was it enough to do without: {always_open}\n{table.of(told)}"
