"""The rules of dunning as a document, read strictly: every code under one rule, every rule with an end."""

import re
from collections.abc import Mapping
from datetime import timedelta

from tallystick.domain.dunning import Ask, Policy, Rule
from tallystick.values.fields import Fields

TRIES_MAX = 8  # card schemes count how often a card is tried again, and fine or block who overdoes it
DAYS_MAX = 60
_CODES_MAX, _RULES_MAX = 200, 50
_WORD = re.compile(r"[a-z][a-z0-9_]{0,79}", re.ASCII)


def read_policy(document: Mapping[str, object]) -> Policy:
    """What {"otherwise": …, "rules": {name: {"codes": […], …}}} says. Raises InvalidInput, which names what is wrong."""
    fields = Fields(document)
    otherwise, found = fields.text("otherwise"), fields.required("rules")
    fields.end()
    if not isinstance(found, Mapping) or not 1 <= len(found) <= _RULES_MAX:
        raise fields.wrong("rules", f"must be 1 to {_RULES_MAX} rules, each under its name")
    rules: dict[str, Rule] = {}
    codes: dict[str, str] = {}
    for name, said in found.items():
        if not isinstance(name, str) or not _WORD.fullmatch(name):
            raise fields.wrong("rules", 'a rule is named in small letters, digits and "_"')
        each = Fields(said, f"rules.{name}")
        for code in _codes(each):
            if code in codes:
                raise each.wrong("codes", f"{code} is in the rule {codes[code]} already; a code has one rule")
            codes[code] = name
        rules[name] = _rule(name, each)
    if otherwise not in rules:
        raise fields.wrong("otherwise", f"must be one of the rules: {', '.join(sorted(rules))}")
    return Policy(rules, codes, otherwise)


def _codes(fields: Fields) -> list[str]:
    listed = []
    for at, code in enumerate(fields.items("codes", at_most=_CODES_MAX)):
        if not isinstance(code, str) or not _WORD.fullmatch(code):
            raise fields.wrong(f"codes[{at}]", 'must be a decline code, such as "insufficient_funds"')
        listed.append(code)
    return listed


def _rule(name: str, fields: Fields) -> Rule:
    ask = Ask(fields.choice("ask", list(Ask), Ask.PATIENCE))
    if ask is not Ask.PATIENCE:
        if fields.has("retry_after_days"):
            raise fields.wrong("retry_after_days", f"not beside ask = {ask.value!r}: trying again would change nothing")
        wait = _days(fields, "give_up_after_days", fields.required("give_up_after_days"))
        fields.end()
        return Rule(name, ask, give_up_after=wait)
    listed = fields.items("retry_after_days", at_most=TRIES_MAX)
    fields.end()
    if not listed:
        raise fields.wrong("retry_after_days", 'is empty; where nothing is tried again, say ask = "new_card" or "confirm"')
    return Rule(name, ask, tuple(_days(fields, f"retry_after_days[{at}]", days) for at, days in enumerate(listed)))


def _days(fields: Fields, name: str, days: object) -> timedelta:
    if type(days) is not int or not 1 <= days <= DAYS_MAX:
        raise fields.wrong(name, f"must be whole days, from 1 to {DAYS_MAX}")
    return timedelta(days=days)
