"""Selectional restrictions: the inventory of every slot and what goes with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FAMILY = ("mother", "father", "grandmother", "grandfather")
_OTHERS = ("teacher", "doctor", "nurse", "farmer", "cook", "student", "neighbour", "girl", "boy", "guest")
AGENTS = (*_FAMILY, *_OTHERS)
RECIPIENTS = ("mother", "teacher", "doctor", "neighbour", "girl", "boy", "guest")
NUMBERS = ("one", "two", "three", "four")

FOOD = ("apple", "orange", "egg", "fish", "cake")
TEXTS = ("book", "letter", "newspaper")
CLOTHES = ("shirt", "coat", "dress", "hat")
WARES = ("cup", "plate", "spoon", "box", "bag", "basket", "umbrella", "lamp", "mirror", "bottle")
OBJECTS = (*FOOD, *TEXTS, *CLOTHES, *WARES, "map", "key", "painting", "flower")

_ADJECTIVES = {
    **dict.fromkeys(FOOD, ("big", "small", "delicious", "expensive")),
    **dict.fromkeys(TEXTS, ("new", "old", "interesting")),
    **dict.fromkeys(
        CLOTHES + WARES, ("big", "small", "new", "old", "red", "white", "beautiful", "expensive")
    ),
    "map": ("big", "small", "new", "old"),
    "key": ("big", "small", "new", "old"),
    "painting": ("big", "small", "new", "old", "beautiful", "expensive"),
    "flower": ("big", "small", "red", "white", "beautiful"),
}
_GOODS = tuple(item for item in OBJECTS if item != "letter")
_OBJECTS = {
    "read": (*TEXTS, "map"),
    "eat": FOOD,
    "cut": ("apple", "orange", "fish", "cake"),
    "wash": ("shirt", "coat", "dress", "cup", "plate", "spoon", "bottle", "apple", "orange"),
    "open": ("box", "bag", "bottle", "umbrella", "letter", "book"),
    "break": ("cup", "plate", "mirror", "bottle", "lamp", "egg"),
    "buy": _GOODS,
    "sell": _GOODS,
    "see": OBJECTS,
    "hide": ("letter", "book", "map", "key", "box", "bag", "bottle", "painting", "basket", "newspaper"),
    "give": OBJECTS,
    "show": (*TEXTS, *CLOTHES, *WARES, "map", "key", "painting", "flower"),
    "send": (*TEXTS, *CLOTHES, "box", "bag", "basket", "lamp", "map", "painting", "flower"),
}
_STOPS = ("market", "school", "hospital", "village", "library", "city", "station", "shop")
PLACES = (*_STOPS, "garden", "kitchen")
_PLACES = {
    "read": ("library", "school", "garden", "hospital", "station", "kitchen"),
    "eat": ("garden", "kitchen", "school", "hospital", "market", "station"),
    "cut": ("kitchen", "garden", "market"),
    "wash": ("kitchen", "garden", "hospital", "village"),
    "open": ("kitchen", "library", "school", "hospital", "shop", "station"),
    "break": ("kitchen", "garden", "hospital", "shop", "school"),
    "buy": ("market", "shop", "city", "village", "station"),
    "sell": ("market", "shop", "city", "village", "station"),
    "see": PLACES,
    "hide": ("garden", "kitchen", "library", "school", "hospital", "shop"),
}
_ERRANDS = {
    "buy": ("market", "shop", "city", "village"),
    "sell": ("market", "city", "village"),
    "read": ("library", "garden", "school"),
    "eat": ("garden", "market"),
}
_ROOMS = ("kitchen", "library", "school", "hospital", "shop")
_LANDMARKS = {
    "table": (("on", "under", "beside"), (*_ROOMS, "garden")),
    "chair": (("on", "under", "behind", "beside"), (*_ROOMS, "garden", "station")),
    "bed": (("on", "under", "behind", "beside"), ("hospital",)),
    "cupboard": (("on", "behind", "beside"), _ROOMS),
    "door": (("behind", "beside"), _ROOMS),
    "window": (("under", "beside"), _ROOMS),
    "tree": (("under", "behind", "beside"), ("garden", "village", "school")),
}
_VEHICLES = {
    "bus": _STOPS,
    "bicycle": _STOPS,
    "train": ("village", "city", "market", "school", "hospital"),
    "boat": ("village", "city", "market"),
}
_PAST = ("yesterday", "last-night", "last-week", "this-morning")
_FUTURE = ("tomorrow", "this-evening", "next-week")
_HABITUAL = ("every-day", "every-week")
TIMES = (*_PAST, "now", *_HABITUAL, *_FUTURE)
TENSES = {
    **dict.fromkeys(_PAST, "past"),
    **dict.fromkeys(_FUTURE, "future"),
    **dict.fromkeys(_HABITUAL, "habitual"),
    "now": "now",
}
# Instantaneous events, which have no progressive form; all but giving are implausible as habits, too.
_MOMENTARY = ("break", "see", "hide", "give")


def options(slot: str, values: Mapping[str, Any]) -> tuple[str | None, ...]:
    """The values that a slot may take, given the slots before it.

    Args:
        slot: the slot to fill.
        values: the pattern and the slots filled so far.

    Returns:
        The sensible values; None if the slot may stay empty; repeated values are drawn more often.
    """
    pattern, verb, thing = values["pattern"], values.get("verb", ""), values.get("object", "")
    negative = values.get("polarity") == "negative"
    match slot:
        case "polarity":
            return ("positive", "positive", "positive", "negative")
        case "agent":
            return AGENTS
        case "partner":
            others = _others(AGENTS, values["agent"])
            return (None,) if negative else (None,) * len(others) + others
        case "recipient":
            return _others(RECIPIENTS, values["agent"])
        case "verb":
            return _verbs(pattern)
        case "object":
            return _OBJECTS[verb] if verb else OBJECTS
        case "number":
            some = NUMBERS if pattern == "errand" else (None, None, *NUMBERS)
            return (None,) if negative else some
        case "adjective":
            return (None, *_ADJECTIVES[thing])
        case "landmark":
            return ("table",) if thing in FOOD else tuple(_LANDMARKS)
        case "relation":
            return ("on",) if thing in FOOD else _LANDMARKS[values["landmark"]][0]
        case "place":
            return (None, *(_PLACES[verb] if verb else _LANDMARKS[values["landmark"]][1]))
        case "vehicle":
            return tuple(_VEHICLES)
        case "source":
            # Two travellers, a source and a goal together would give by far the longest sentences.
            return (None,) if values["partner"] else (None, *_VEHICLES[values["vehicle"]])
        case "goal":
            stops = _ERRANDS[verb] if pattern == "errand" else _VEHICLES[values["vehicle"]]
            return _others(stops, values.get("source"))
        case _:
            return _times(pattern, verb, negative, values.get("number"))


def _others(values: tuple[str, ...], taken: str | None) -> tuple[str, ...]:
    return tuple(value for value in values if value != taken)


def _verbs(pattern: str | None) -> tuple[str, ...]:
    match pattern:
        case "act":
            return tuple(_PLACES)
        case "give":
            return ("give", "show", "send")
        case "go":
            return ("go", "return")
        case "want":
            return tuple(verb for verb in _PLACES if verb not in ("see", "break"))
        case _:
            return tuple(_ERRANDS)


def _times(pattern: str, verb: str | None, negative: bool, number: str | None) -> tuple[str | None, ...]:
    if pattern == "place":
        return (None, *_PAST, "now")
    if pattern == "want":
        return (None, *_FUTURE)
    if verb == "break":
        return (None, *_PAST)
    # A habit needs a new object every time: "buys two apples every day", not "buys the apple every day".
    repeatable = pattern == "go" or number is not None
    habits = _HABITUAL if repeatable and not negative and (verb == "give" or verb not in _MOMENTARY) else ()
    gradual = verb not in _MOMENTARY and pattern != "errand" and not (pattern == "go" and negative)
    now = ("now",) if gradual else ()
    return (None, *_PAST, *now, *habits, *_FUTURE)
