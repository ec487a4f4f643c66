"""Hindi: subject, time, place, object, verb; ergative past, where the verb agrees with the object."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase, moved
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = " ", "।", "?"

# Agreement (the plural is the respectful form of one person), direct case, oblique case.
_AGENTS = table("""
    mother       fp  मेरी माँ      मेरी माँ
    father       mp  मेरे पिताजी   मेरे पिताजी
    grandmother  fp  मेरी दादी     मेरी दादी
    grandfather  mp  मेरे दादाजी   मेरे दादाजी
    teacher      fp  अध्यापिका    अध्यापिका
    doctor       mp  डॉक्टर       डॉक्टर
    nurse        fs  नर्स         नर्स
    farmer       ms  किसान       किसान
    cook         ms  रसोइया      रसोइए
    student      fs  छात्रा       छात्रा
    neighbour    fs  पड़ोसन       पड़ोसन
    girl         fs  लड़की        लड़की
    boy          ms  लड़का        लड़के
    guest        ms  मेहमान      मेहमान
""")
# Gender, singular, plural.
_OBJECTS = table("""
    apple      m  सेब      सेब
    orange     m  संतरा    संतरे
    egg        m  अंडा     अंडे
    fish       f  मछली     मछलियाँ
    cake       m  केक      केक
    book       f  किताब    किताबें
    letter     f  चिट्ठी   चिट्ठियाँ
    newspaper  m  अख़बार   अख़बार
    map        m  नक़्शा    नक़्शे
    shirt      f  कमीज़    कमीज़ें
    coat       m  कोट      कोट
    dress      f  पोशाक    पोशाकें
    hat        f  टोपी     टोपियाँ
    cup        m  प्याला   प्याले
    plate      f  थाली     थालियाँ
    spoon      m  चम्मच    चम्मच
    box        m  डिब्बा   डिब्बे
    bag        m  थैला     थैले
    basket     f  टोकरी    टोकरियाँ
    key        f  चाबी     चाबियाँ
    umbrella   m  छाता     छाते
    lamp       m  लैंप     लैंप
    mirror     m  आईना     आईने
    bottle     f  बोतल     बोतलें
    painting   m  चित्र     चित्र
    flower     m  फूल      फूल
""")
# Masculine singular, masculine plural, feminine.
_ADJECTIVES = table("""
    big          बड़ा       बड़े       बड़ी
    small        छोटा      छोटे      छोटी
    new          नया       नए        नई
    old          पुराना    पुराने    पुरानी
    red          लाल       लाल       लाल
    white        सफ़ेद     सफ़ेद     सफ़ेद
    beautiful    सुंदर     सुंदर     सुंदर
    expensive    महँगा     महँगे     महँगी
    delicious    स्वादिष्ट  स्वादिष्ट  स्वादिष्ट
    interesting  दिलचस्प   दिलचस्प   दिलचस्प
""")
_NUMERALS = {"one": "एक", "two": "दो", "three": "तीन", "four": "चार"}
# Stem; subjunctive singular and plural; perfective in the order of _AGREEMENT.
_VERBS = table("""
    read    पढ़     पढ़े     पढ़ें     पढ़ा     पढ़े     पढ़ी     पढ़ीं
    eat     खा     खाए     खाएँ     खाया     खाए     खाई     खाईं
    cut     काट    काटे    काटें    काटा    काटे    काटी    काटीं
    wash    धो     धोए     धोएँ     धोया     धोए     धोई     धोईं
    open    खोल    खोले    खोलें    खोला    खोले    खोली    खोलीं
    break   तोड़    तोड़े    तोड़ें    तोड़ा    तोड़े    तोड़ी    तोड़ीं
    buy     ख़रीद   ख़रीदे   ख़रीदें   ख़रीदा   ख़रीदे   ख़रीदी   ख़रीदीं
    sell    बेच    बेचे    बेचें    बेचा    बेचे    बेची    बेचीं
    see     देख    देखे    देखें    देखा    देखे    देखी    देखीं
    hide    छिपा   छिपाए   छिपाएँ   छिपाया   छिपाए   छिपाई   छिपाईं
    give    दे     दे      दें      दिया    दिए     दी      दीं
    show    दिखा   दिखाए   दिखाएँ   दिखाया   दिखाए   दिखाई   दिखाईं
    send    भेज    भेजे    भेजें    भेजा    भेजे    भेजी    भेजीं
    go      जा     जाए     जाएँ     गया     गए      गई      गईं
    return  लौट    लौटे    लौटें    लौटा    लौटे    लौटी    लौटीं
""")
_AGREEMENT = ("ms", "mp", "fs", "fp")
_BE = {"ms": "है", "mp": "हैं", "fs": "है", "fp": "हैं"}
_WAS = {"ms": "था", "mp": "थे", "fs": "थी", "fp": "थीं"}
_HABITUAL = {"ms": "ता", "mp": "ते", "fs": "ती", "fp": "ती"}
_PROGRESSIVE = {"ms": "रहा", "mp": "रहे", "fs": "रही", "fp": "रही"}
_FUTURE = {"ms": "गा", "mp": "गे", "fs": "गी", "fp": "गी"}
# Without the copula the verb itself marks the feminine plural.
_NOT_WANT = {"ms": "चाहता", "mp": "चाहते", "fs": "चाहती", "fp": "चाहतीं"}
# Where something happens, from, to.
_PLACES = table("""
    market    बाज़ार में      बाज़ार से      बाज़ार
    school    विद्यालय में   विद्यालय से   विद्यालय
    hospital  अस्पताल में    अस्पताल से    अस्पताल
    village   गाँव में       गाँव से       गाँव
    garden    बगीचे में      बगीचे से      बगीचे में
    kitchen   रसोई में       रसोई से       रसोई
    library   पुस्तकालय में  पुस्तकालय से  पुस्तकालय
    city      शहर में        शहर से        शहर
    station   स्टेशन पर      स्टेशन से     स्टेशन
    shop      दुकान में      दुकान से      दुकान
""")
_RELATIONS = {"on": "पर", "under": "के नीचे", "behind": "के पीछे", "beside": "की बगल में"}
_LANDMARKS = words("""
    table   मेज़       chair  कुर्सी    bed  पलंग    cupboard  अलमारी    door  दरवाज़े
    window  खिड़की    tree   पेड़
""")
_VEHICLES = {"bus": "बस से", "bicycle": "साइकिल से", "train": "रेलगाड़ी से", "boat": "नाव से"}
_TIMES = words("""
    yesterday     कल        last-night  कल रात     last-week   पिछले हफ़्ते    this-morning  आज सुबह
    now           अभी       every-day   हर रोज़     every-week  हर हफ़्ते      tomorrow      कल
    this-evening  आज शाम    next-week   अगले हफ़्ते
""")
_INTERROGATIVES = words("""
    object   क्या    recipient  किसको    source  कहाँ से    goal  कहाँ    place  कहाँ
    vehicle  कैसे     time       कब
""")


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    ergative = meaning.tense == "past" and meaning.pattern in ("act", "give")
    subject = _subject(meaning, ergative, asked)
    agreement = "ms" if asked == "agent" else _agents_agreement(meaning)
    if ergative:
        agreement = _object_agreement(meaning, asked)
    time = meaning.time and ("time", _TIMES[meaning.time])
    candidates = [
        subject,
        time,
        meaning.place and ("place", _PLACES[meaning.place][0]),
        meaning.recipient and ("recipient", f"{_AGENTS[meaning.recipient][2]} को"),
        meaning.object and ("object", _object(meaning)),
        *_predicate(meaning, agreement),
    ]
    ordered = [_ask(phrase, meaning, asked) for phrase in candidates if phrase]
    if asked is None:
        return ordered
    # Interrogatives stand right before the verb.
    role = "object" if asked == "number" else asked
    return moved(ordered, role, before="purpose" if meaning.pattern == "want" else "verb")


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    gender, noun, _ = _OBJECTS[meaning.object]
    masculine, _, feminine = _ADJECTIVES[meaning.adjective]
    return (f"{noun} कैसी है", feminine) if gender == "f" else (f"{noun} कैसा है", masculine)


def _ask(phrase: Phrase, meaning: Meaning, asked: str | None) -> Phrase:
    role, _ = phrase
    if asked == "number" and role == "object":
        gender, _, plural = _OBJECTS[meaning.object]
        return role, f"{'कितनी' if gender == 'f' else 'कितने'} {plural}"
    return (role, _INTERROGATIVES[role]) if role == asked and role != "agent" else phrase


def _subject(meaning: Meaning, ergative: bool, asked: str | None) -> Phrase:
    if asked == "agent":
        return "agent", "किसने" if ergative else "कौन"
    agents = [_AGENTS[agent][1 + ergative] for agent in (meaning.agent, meaning.partner) if agent]
    return "agent", " और ".join(agents) + (" ने" if ergative else "")


def _agents_agreement(meaning: Meaning) -> str:
    one = _AGENTS[meaning.agent][0]
    if meaning.partner is None:
        return one
    return "fp" if one[0] == _AGENTS[meaning.partner][0][0] == "f" else "mp"


def _object_agreement(meaning: Meaning, asked: str | None) -> str:
    if asked == "object":
        return "ms"
    many = asked == "number" or meaning.number not in (None, "one")
    return _OBJECTS[meaning.object][0] + ("p" if many else "s")


def _object(meaning: Meaning) -> str:
    gender, singular, plural = _OBJECTS[meaning.object]
    many = meaning.number not in (None, "one")
    adjective = _ADJECTIVES[meaning.adjective][2 if gender == "f" else many] if meaning.adjective else ""
    words_ = (_NUMERALS.get(meaning.number, ""), adjective, plural if many else singular)
    return " ".join(word for word in words_ if word)


def _predicate(meaning: Meaning, agreement: str) -> list[Phrase]:
    negation = "नहीं " if meaning.negative else ""
    if meaning.pattern == "want":
        want = _NOT_WANT[agreement] if meaning.negative else f"चाह{_HABITUAL[agreement]} {_BE[agreement]}"
        return [("purpose", f"{_VERBS[meaning.verb][0]}ना"), ("verb", negation + want)]
    candidates = [
        meaning.pattern == "errand" and ("purpose", f"{_VERBS[meaning.verb][0]}ने"),
        meaning.source and ("source", _PLACES[meaning.source][1]),
        meaning.goal and ("goal", _PLACES[meaning.goal][2]),
        meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle]),
        ("verb", negation + _finite(meaning, agreement)),
    ]
    return [phrase for phrase in candidates if phrase]


def _finite(meaning: Meaning, agreement: str) -> str:
    stem, singular, plural, *perfective = _VERBS[meaning.head]
    if meaning.tense == "past":
        return perfective[_AGREEMENT.index(agreement)]
    if meaning.tense == "future":
        return (plural if agreement[1] == "p" else singular) + _FUTURE[agreement]
    ending = f" {_PROGRESSIVE[agreement]}" if meaning.tense == "now" else _HABITUAL[agreement]
    return f"{stem}{ending} {_BE[agreement]}"


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    place = f"{_PLACES[meaning.place][0]} " if meaning.place else ""
    location = ("location", f"{place}{_LANDMARKS[meaning.landmark]} {_RELATIONS[meaning.relation]}")
    thing = _ask(("object", _object(meaning)), meaning, asked)
    be = (_WAS if meaning.tense == "past" else _BE)[_object_agreement(meaning, asked)]
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    if asked == "location":
        return [thing, ("location", "कहाँ"), ("verb", be)]
    if meaning.number or asked:
        return [*time, location, thing, ("verb", be)]
    return [thing, *time, location, ("verb", f"नहीं {be}" if meaning.negative else be)]
