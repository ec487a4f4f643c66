"""Greek: time first, subject, verb, object, place; articles, numerals and adjectives agree with the noun."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.tables import table, words

# The Greek question mark is canonically equivalent to the semicolon, which is its form in NFC.
SPACE, STOP, QUESTION = " ", ".", ";"

_AGENTS = words("""
    mother       η μητέρα μου     father     ο πατέρας μου    grandmother  η γιαγιά μου
    grandfather  ο παππούς μου    teacher    η δασκάλα        doctor       ο γιατρός
    nurse        η νοσοκόμα       farmer     ο αγρότης        cook         ο μάγειρας
    student      η μαθήτρια       neighbour  η γειτόνισσα     girl         το κορίτσι
    boy          το αγόρι         guest      ο επισκέπτης
""")
_RECIPIENTS = words("""
    mother     στη μητέρα μου    teacher  στη δασκάλα    doctor  στον γιατρό
    neighbour  στη γειτόνισσα    girl     στο κορίτσι    boy     στο αγόρι
    guest      στον επισκέπτη
""")
# Gender, nominative and accusative singular, plural (both cases).
_OBJECTS = table("""
    apple      n  μήλο        μήλο        μήλα
    orange     n  πορτοκάλι   πορτοκάλι   πορτοκάλια
    egg        n  αυγό        αυγό        αυγά
    fish       n  ψάρι        ψάρι        ψάρια
    cake       f  τούρτα      τούρτα      τούρτες
    book       n  βιβλίο      βιβλίο      βιβλία
    letter     n  γράμμα      γράμμα      γράμματα
    newspaper  f  εφημερίδα   εφημερίδα   εφημερίδες
    map        m  χάρτης      χάρτη       χάρτες
    shirt      n  πουκάμισο   πουκάμισο   πουκάμισα
    coat       n  παλτό       παλτό       παλτά
    dress      n  φόρεμα      φόρεμα      φορέματα
    hat        n  καπέλο      καπέλο      καπέλα
    cup        f  κούπα       κούπα       κούπες
    plate      n  πιάτο       πιάτο       πιάτα
    spoon      n  κουτάλι     κουτάλι     κουτάλια
    box        n  κουτί       κουτί       κουτιά
    bag        f  τσάντα      τσάντα      τσάντες
    basket     n  καλάθι      καλάθι      καλάθια
    key        n  κλειδί      κλειδί      κλειδιά
    umbrella   f  ομπρέλα     ομπρέλα     ομπρέλες
    lamp       f  λάμπα       λάμπα       λάμπες
    mirror     m  καθρέφτης   καθρέφτη    καθρέφτες
    bottle     n  μπουκάλι    μπουκάλι    μπουκάλια
    painting   m  πίνακας     πίνακα      πίνακες
    flower     n  λουλούδι    λουλούδι    λουλούδια
""")
# Stem; endings of the singular (masculine nominative and accusative, feminine, neuter) and of the plural.
_ADJECTIVES = table("""
    big          μεγάλ     ος ο η ο οι ους ες α
    small        μικρ      ός ό ή ό οί ούς ές ά
    new          καινούρι  ος ο α ο οι ους ες α
    old          παλι      ός ό ά ό οί ούς ές ά
    red          κόκκιν    ος ο η ο οι ους ες α
    white        άσπρ      ος ο η ο οι ους ες α
    beautiful    όμορφ     ος ο η ο οι ους ες α
    expensive    ακριβ     ός ό ή ό οί ούς ές ά
    delicious    νόστιμ    ος ο η ο οι ους ες α
    interesting  ενδιαφέρ  ων οντα ουσα ον οντες οντες ουσες οντα
""")
_COLUMNS = {("m", False): 0, ("m", True): 1, ("f", False): 2, ("f", True): 2, ("n", False): 3, ("n", True): 3}
_ARTICLES = ("ο", "τον", "η", "το")
# In the four columns of the singular or plural adjective.
_NUMERALS = {
    "one": ("ένας", "έναν", "μία", "ένα"),
    "two": ("δύο",) * 4,
    "three": ("τρεις", "τρεις", "τρεις", "τρία"),
    "four": ("τέσσερις", "τέσσερις", "τέσσερις", "τέσσερα"),
}
_HOW_MANY = ("πόσοι", "πόσους", "πόσες", "πόσα")
# Aorist, present and dependent form (after "θα" and "να"), each in the singular and the plural.
_VERBS = table("""
    read    διάβασε    διάβασαν    διαβάζει    διαβάζουν    διαβάσει    διαβάσουν
    eat     έφαγε      έφαγαν      τρώει       τρώνε        φάει        φάνε
    cut     έκοψε      έκοψαν      κόβει       κόβουν       κόψει       κόψουν
    wash    έπλυνε     έπλυναν     πλένει      πλένουν      πλύνει      πλύνουν
    open    άνοιξε     άνοιξαν     ανοίγει     ανοίγουν     ανοίξει     ανοίξουν
    break   έσπασε     έσπασαν     σπάει       σπάνε        σπάσει      σπάσουν
    buy     αγόρασε    αγόρασαν    αγοράζει    αγοράζουν    αγοράσει    αγοράσουν
    sell    πούλησε    πούλησαν    πουλάει     πουλάνε      πουλήσει    πουλήσουν
    see     είδε       είδαν       βλέπει      βλέπουν      δει         δουν
    hide    έκρυψε     έκρυψαν     κρύβει      κρύβουν      κρύψει      κρύψουν
    give    έδωσε      έδωσαν      δίνει       δίνουν       δώσει       δώσουν
    show    έδειξε     έδειξαν     δείχνει     δείχνουν     δείξει      δείξουν
    send    έστειλε    έστειλαν    στέλνει     στέλνουν     στείλει     στείλουν
    go      πήγε       πήγαν       πηγαίνει    πηγαίνουν    πάει        πάνε
    return  επέστρεψε  επέστρεψαν  επιστρέφει  επιστρέφουν  επιστρέψει  επιστρέψουν
    want    θέλησε     θέλησαν     θέλει       θέλουν       θελήσει     θελήσουν
""")
# In or to, from, of.
_PLACES = table("""
    market    στην αγορά       από την αγορά       της αγοράς
    school    στο σχολείο      από το σχολείο      του σχολείου
    hospital  στο νοσοκομείο   από το νοσοκομείο   του νοσοκομείου
    village   στο χωριό        από το χωριό        του χωριού
    garden    στον κήπο        από τον κήπο        του κήπου
    kitchen   στην κουζίνα     από την κουζίνα     της κουζίνας
    library   στη βιβλιοθήκη   από τη βιβλιοθήκη   της βιβλιοθήκης
    city      στην πόλη        από την πόλη        της πόλης
    station   στον σταθμό      από τον σταθμό      του σταθμού
    shop      στο μαγαζί       από το μαγαζί       του μαγαζιού
""")
# After "σε", after "από".
_LANDMARKS = table("""
    table     στο τραπέζι     από το τραπέζι
    chair     στην καρέκλα    από την καρέκλα
    bed       στο κρεβάτι     από το κρεβάτι
    cupboard  στο ντουλάπι    από το ντουλάπι
    door      στην πόρτα      από την πόρτα
    window    στο παράθυρο    από το παράθυρο
    tree      στο δέντρο      από το δέντρο
""")
# The adverb, and the column of the landmark it governs.
_RELATIONS = {"on": ("πάνω", 0), "under": ("κάτω", 1), "behind": ("πίσω", 1), "beside": ("δίπλα", 0)}
_VEHICLES = words("""
    bus  με το λεωφορείο    bicycle  με το ποδήλατο    train  με το τρένο    boat  με τη βάρκα
""")
_TIMES = words("""
    yesterday     χθες                      last-night    χθες το βράδυ
    last-week     την περασμένη εβδομάδα    this-morning  σήμερα το πρωί
    now           τώρα                      every-day     κάθε μέρα
    every-week    κάθε εβδομάδα             tomorrow      αύριο
    this-evening  απόψε                     next-week     την επόμενη εβδομάδα
""")
_INTERROGATIVES = words("""
    object   τι     recipient  σε ποιον    source  από πού    goal  πού    place  πού
    vehicle  πώς    time       πότε
""")


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    verb, agents, rest = ("verb", _finite(meaning)), ("agent", _agents(meaning)), _complements(meaning)
    if asked is None:
        return [*_time(meaning), agents, verb, *rest]
    if asked == "agent":
        return [("agent", "ποιοι" if meaning.partner else "ποιος"), verb, *rest]
    role = "object" if asked == "number" else asked
    wh = _how_many(meaning, accusative=True) if asked == "number" else _INTERROGATIVES[asked]
    return [(role, wh), verb, agents, *(phrase for phrase in rest if phrase[0] != role)]


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    gender, noun, _, _ = _OBJECTS[meaning.object]
    column = _COLUMNS[gender, False]
    return f"πώς είναι {_ARTICLES[column]} {noun}", _adjective(meaning.adjective, column)


def _agents(meaning: Meaning) -> str:
    return " και ".join(_AGENTS[agent] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning, accusative: bool = True) -> str:
    gender, nominative, accusative_noun, plural = _OBJECTS[meaning.object]
    column, many = _COLUMNS[gender, accusative], meaning.number not in (None, "one")
    noun = plural if many else accusative_noun if accusative else nominative
    words_ = [_adjective(meaning.adjective, column + 4 * many), noun] if meaning.adjective else [noun]
    if meaning.number:
        return " ".join((_NUMERALS[meaning.number][column], *words_))
    article = _feminine_accusative(words_[0]) if gender == "f" and accusative else _ARTICLES[column]
    return " ".join((article, *words_))


def _adjective(lemma: str, column: int) -> str:
    stem, endings = _ADJECTIVES[lemma]
    return stem + endings.split()[column]


def _feminine_accusative(following: str) -> str:
    # The article keeps its final nu before a vowel or a plosive.
    return "την" if following[0] in "αάεέηήιίοόυύωώκπτξψ" or following[:2] in ("μπ", "ντ", "γκ") else "τη"


def _how_many(meaning: Meaning, accusative: bool) -> str:
    gender, *_, plural = _OBJECTS[meaning.object]
    return f"{_HOW_MANY[_COLUMNS[gender, accusative]]} {plural}"


def _time(meaning: Meaning) -> list[Phrase]:
    return [("time", _TIMES[meaning.time])] if meaning.time else []


def _finite(meaning: Meaning) -> str:
    past, present, dependent = (_VERBS[meaning.head][pair + bool(meaning.partner)] for pair in (0, 2, 4))
    verb = {"past": past, "future": f"θα {dependent}"}.get(meaning.tense, present)
    return f"δεν {verb}" if meaning.negative else verb


def _complements(meaning: Meaning) -> list[Phrase]:
    conjunction = {"want": "να", "errand": "για να"}.get(meaning.pattern)
    candidates = [
        meaning.source and ("source", _PLACES[meaning.source][1]),
        meaning.goal and ("goal", _PLACES[meaning.goal][0]),
        conjunction and ("purpose", f"{conjunction} {_VERBS[meaning.verb][4]}"),
        meaning.recipient and ("recipient", _RECIPIENTS[meaning.recipient]),
        meaning.object and ("object", _object(meaning)),
        meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle]),
        meaning.place and ("place", _PLACES[meaning.place][0]),
    ]
    return [phrase for phrase in candidates if phrase]


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    past, many = meaning.tense == "past", meaning.number not in (None, "one")
    adverb, column = _RELATIONS[meaning.relation]
    place = f" {_PLACES[meaning.place][2]}" if meaning.place else ""
    location = ("location", f"{adverb} {_LANDMARKS[meaning.landmark][column]}{place}")
    thing, be = ("object", _object(meaning, accusative=False)), "ήταν" if past else "είναι"
    exist = ("υπήρχε", "υπήρχαν") if past else ("υπάρχει", "υπάρχουν")
    match asked:
        case "location":
            return [("location", "πού"), ("verb", be), thing]
        case "object":
            return [("object", "τι"), ("verb", exist[False]), location]
        case "number":
            return [("object", _how_many(meaning, accusative=False)), ("verb", exist[True]), location]
    if meaning.number:
        return [*_time(meaning), ("verb", exist[many]), thing, location]
    negation = "δεν " if meaning.negative else ""
    return [*_time(meaning), thing, ("verb", negation + be), location]
