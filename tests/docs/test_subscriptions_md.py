"""docs/reference/subscriptions.md draws the life of a subscription as the code has it."""

import re

from tallystick.domain.subscriptions import ENTITLED, RUNNING, TRANSITIONS, Status
from tests.docs.blocks import ROOT

PAPER = (ROOT / "docs" / "reference" / "subscriptions.md").read_text()
ARROW = re.compile(r"^ +([\w*\[\]]+) --> (\w+)", re.MULTILINE)
STATE = re.compile(r"^\| `(\w+)`[^|]*\| (\w+)[^|]*\| (\w+) \|$", re.MULTILINE)


def test_every_arrow_of_the_drawing_is_a_transition_and_none_is_missing() -> None:
    drawn = {(before, after) for before, after in ARROW.findall(PAPER) if before != "[*]"}
    assert drawn == {(before.value, after.value) for before, listed in TRANSITIONS.items() for after in listed}


def test_the_table_says_whose_periods_go_on_and_who_may_use_anything() -> None:
    said = {state: (runs == "yes", may == "yes") for state, runs, may in STATE.findall(PAPER)}
    assert said == {status.value: (status in RUNNING, status in ENTITLED) for status in Status}
