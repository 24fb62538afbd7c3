"""What a failure has left half done although money moved: its other half is kept, and follows by itself."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.state import Write

FOLLOWS_AFTER_SECONDS = 60
_QUEUE = "halves"


def moved(call: Call) -> tuple[str | None, set[str]]:
    """The last charge, and the intents of which money is on its way: by these it is known whether any has moved."""
    on_their_way = {doc["id"] for doc in call.state.scan("payment_intent") if doc["status"] == "processing"}
    return next((doc["id"] for doc in call.state.scan("charge")), None), on_their_way


def keep(call: Call, left: list[Write]) -> None:
    """Writes down what is still to be done."""
    call.state.schedule(_QUEUE, call.wall + FOLLOWS_AFTER_SECONDS, {"left": left})


def follow(call: Call, *, until: int | None = None) -> None:
    """Does it where its time has come; without `until` at once, for nothing else may be written beside the half of something."""
    end = call.wall + FOLLOWS_AFTER_SECONDS if until is None else until
    while (taken := call.state.take(_QUEUE, end)) is not None:
        for what, *facts in taken[1]["left"]:
            match what:
                case "put":
                    call.state.put(*facts)
                case "schedule":
                    call.state.schedule(*facts)
                case "delete" if call.state.get(*facts) is not None:  # of an old event: others may have forgotten it meanwhile
                    call.state.delete(*facts)
