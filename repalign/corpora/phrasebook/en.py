"""English: subject, verb, object, place, time; do-support, the verb agrees with the subject."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = " ", ".", "?"

_AGENTS = words("""
    mother       my mother         father     my father        grandmother  my grandmother
    grandfather  my grandfather    teacher    the teacher      doctor       the doctor
    nurse        the nurse         farmer     the farmer       cook         the cook
    student      the student       neighbour  the neighbour    girl         the girl
    boy          the boy           guest      the guest
""")
# Singular, plural.
_OBJECTS = table("""
    apple      apple      apples
    orange     orange     oranges
    egg        egg        eggs
    fish       fish       fish
    cake       cake       cakes
    book       book       books
    letter     letter     letters
    newspaper  newspaper  newspapers
    map        map        maps
    shirt      shirt      shirts
    coat       coat       coats
    dress      dress      dresses
    hat        hat        hats
    cup        cup        cups
    plate      plate      plates
    spoon      spoon      spoons
    box        box        boxes
    bag        bag        bags
    basket     basket     baskets
    key        key        keys
    umbrella   umbrella   umbrellas
    lamp       lamp       lamps
    mirror     mirror     mirrors
    bottle     bottle     bottles
    painting   painting   paintings
    flower     flower     flowers
""")
# Base, third person, past, -ing.
_VERBS = table("""
    read    read    reads    read      reading
    eat     eat     eats     ate       eating
    cut     cut     cuts     cut       cutting
    wash    wash    washes   washed    washing
    open    open    opens    opened    opening
    break   break   breaks   broke     breaking
    buy     buy     buys     bought    buying
    sell    sell    sells    sold      selling
    see     see     sees     saw       seeing
    hide    hide    hides    hid       hiding
    give    give    gives    gave      giving
    show    show    shows    showed    showing
    send    send    sends    sent      sending
    go      go      goes     went      going
    return  return  returns  returned  returning
    want    want    wants    wanted    wanting
""")
# Where something happens, and the bare noun phrase for "from" and "to".
_PLACES = table("""
    market    at the market     the market
    school    at the school     the school
    hospital  in the hospital   the hospital
    village   in the village    the village
    garden    in the garden     the garden
    kitchen   in the kitchen    the kitchen
    library   in the library    the library
    city      in the city       the city
    station   at the station    the station
    shop      in the shop       the shop
""")
_TIMES = words("""
    yesterday     yesterday       last-night  last night    last-week     last week
    this-morning  this morning    now         now           every-day     every day
    every-week    every week      tomorrow    tomorrow      this-evening  this evening
    next-week     next week
""")
_INTERROGATIVES = words("""
    agent  who      object   what    recipient  to whom    source  from where    goal  where
    place  where    vehicle  how     time       when
""")


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    plural = meaning.partner is not None and asked != "agent"
    fronted = asked not in (None, "agent")
    auxiliary, verb = _verb(meaning, plural, fronted)
    subject = ("agent", "who" if asked == "agent" else _agents(meaning))
    rest = _complements(meaning)
    if not fronted:
        return [subject, ("verb", " ".join((*auxiliary, verb))), *rest]
    wh = f"how many {_OBJECTS[meaning.object][1]}" if asked == "number" else _INTERROGATIVES[asked]
    role = "object" if asked == "number" else asked
    negation = [("aux", word) for word in auxiliary[1:]]
    rest = [phrase for phrase in rest if phrase[0] != role]
    return [(role, wh), ("aux", auxiliary[0]), subject, *negation, ("verb", verb), *rest]


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    return f"what is the {_OBJECTS[meaning.object][0]} like", meaning.adjective


def _agents(meaning: Meaning) -> str:
    return " and ".join(_AGENTS[agent] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning) -> str:
    noun = _OBJECTS[meaning.object][meaning.number not in (None, "one")]
    return " ".join(word for word in (meaning.number or "the", meaning.adjective, noun) if word)


def _verb(meaning: Meaning, plural: bool, support: bool) -> tuple[list[str], str]:
    base, third, past, participle = _VERBS[meaning.head]
    negation = ["not"] if meaning.negative else []
    support = support or meaning.negative
    match meaning.tense:
        case "future":
            return ["will", *negation], base
        case "now":
            return ["are" if plural else "is", *negation], participle
        case "past":
            return (["did", *negation], base) if support else ([], past)
        case _:
            if support:
                return ["do" if plural else "does", *negation], base
            return [], base if plural else third


def _complements(meaning: Meaning) -> list[Phrase]:
    purpose = f"to {_VERBS[meaning.verb][0]}" if meaning.pattern in ("want", "errand") else None
    goal = meaning.goal and ("goal", f"to {_PLACES[meaning.goal][1]}")
    candidates = [
        meaning.source and ("source", f"from {_PLACES[meaning.source][1]}"),
        goal,
        purpose and ("purpose", purpose),
        meaning.object and ("object", _object(meaning)),
        meaning.recipient and ("recipient", f"to {_AGENTS[meaning.recipient]}"),
        meaning.vehicle and ("vehicle", f"by {meaning.vehicle}"),
        meaning.place and ("place", _PLACES[meaning.place][0]),
        meaning.time and ("time", _TIMES[meaning.time]),
    ]
    return [phrase for phrase in candidates if phrase]


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    many = meaning.number not in (None, "one") and asked != "object"
    be = {("now", False): "is", ("now", True): "are", ("past", False): "was", ("past", True): "were"}
    copula = be[meaning.tense, many or asked == "number"]
    place = f" {_PLACES[meaning.place][0]}" if meaning.place else ""
    location = ("location", f"{meaning.relation} the {meaning.landmark}{place}")
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    match asked:
        case "location":
            return [("location", "where"), ("verb", copula), ("object", _object(meaning))]
        case "object":
            return [("object", "what"), ("verb", copula), location, *time]
        case "number":
            return [("object", f"how many {_OBJECTS[meaning.object][1]}"), ("verb", copula), location, *time]
    if meaning.number:
        return [("aux", "there"), ("verb", copula), ("object", _object(meaning)), location, *time]
    negation = " not" if meaning.negative else ""
    return [("object", _object(meaning)), ("verb", copula + negation), location, *time]
