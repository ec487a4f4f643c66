"""Arabic: verb, subject, object; the leading verb agrees in gender alone; nouns have a dual and a plural."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = " ", ".", "؟"

# Gender, noun phrase.
_AGENTS = table("""
    mother       f  أمي
    father       m  أبي
    grandmother  f  جدتي
    grandfather  m  جدي
    teacher      f  المعلمة
    doctor       m  الطبيب
    nurse        f  الممرضة
    farmer       m  الفلاح
    cook         m  الطباخ
    student      f  الطالبة
    neighbour    f  الجارة
    girl         f  البنت
    boy          m  الولد
    guest        m  الضيف
""")
# Gender, singular, stem of the dual, plural.
_OBJECTS = table("""
    apple      f  تفاحة   تفاحت   تفاحات
    orange     f  برتقالة  برتقالت  برتقالات
    egg        f  بيضة    بيضت    بيضات
    fish       f  سمكة    سمكت    سمكات
    cake       f  كعكة    كعكت    كعكات
    book       m  كتاب    كتاب    كتب
    letter     f  رسالة   رسالت   رسائل
    newspaper  f  جريدة   جريدت   جرائد
    map        f  خريطة   خريطت   خرائط
    shirt      m  قميص    قميص    قمصان
    coat       m  معطف    معطف    معاطف
    dress      m  فستان   فستان   فساتين
    hat        f  قبعة    قبعت    قبعات
    cup        m  كوب     كوب     أكواب
    plate      m  طبق     طبق     أطباق
    spoon      f  ملعقة   ملعقت   ملاعق
    box        m  صندوق   صندوق   صناديق
    bag        f  حقيبة   حقيبت   حقائب
    basket     f  سلة     سلت     سلال
    key        m  مفتاح   مفتاح   مفاتيح
    umbrella   f  مظلة    مظلت    مظلات
    lamp       m  مصباح   مصباح   مصابيح
    mirror     f  مرآة    مرآت    مرايا
    bottle     f  زجاجة   زجاجت   زجاجات
    painting   f  لوحة    لوحت    لوحات
    flower     f  زهرة    زهرت    زهرات
""")
# Masculine nominative and accusative, after the article, stem of the dual; feminine, stem of its dual.
_ADJECTIVES = table("""
    big          كبير   كبيرا   كبير   كبير   كبيرة   كبيرت
    small        صغير   صغيرا   صغير   صغير   صغيرة   صغيرت
    new          جديد   جديدا   جديد   جديد   جديدة   جديدت
    old          قديم   قديما   قديم   قديم   قديمة   قديمت
    red          أحمر   أحمر    أحمر   أحمر   حمراء   حمراو
    white        أبيض   أبيض    أبيض   أبيض   بيضاء   بيضاو
    beautiful    جميل   جميلا   جميل   جميل   جميلة   جميلت
    expensive    غال    غاليا   غالي   غالي   غالية   غاليت
    delicious    لذيذ   لذيذا   لذيذ   لذيذ   لذيذة   لذيذت
    interesting  ممتع   ممتعا   ممتع   ممتع   ممتعة   ممتعت
""")
# With masculine nouns, with feminine nouns.
_NUMERALS = {"three": ("ثلاثة", "ثلاث"), "four": ("أربعة", "أربع")}
# Perfect masculine and feminine; imperfect and jussive without the prefix of the third person.
_VERBS = table("""
    read    قرأ    قرأت    قرأ    قرأ
    eat     أكل    أكلت    أكل    أكل
    cut     قطع    قطعت    قطع    قطع
    wash    غسل    غسلت    غسل    غسل
    open    فتح    فتحت    فتح    فتح
    break   كسر    كسرت    كسر    كسر
    buy     اشترى  اشترت   شتري   شتر
    sell    باع    باعت    بيع    بع
    see     رأى    رأت     رى     ر
    hide    خبأ    خبأت    خبئ    خبئ
    give    أعطى   أعطت    عطي    عط
    show    عرض    عرضت    عرض    عرض
    send    أرسل   أرسلت   رسل    رسل
    go      ذهب    ذهبت    ذهب    ذهب
    return  عاد    عادت    عود    عد
    want    أراد   أرادت   ريد    رد
""")
_PLACES = words("""
    market   السوق      school   المدرسة    hospital  المستشفى    village  القرية
    garden   الحديقة    kitchen  المطبخ     library   المكتبة     city     المدينة
    station  المحطة     shop     المتجر
""")
_RELATIONS = {"on": "على", "under": "تحت", "behind": "خلف", "beside": "بجانب"}
_LANDMARKS = words("""
    table   الطاولة    chair  الكرسي    bed  السرير    cupboard  الخزانة    door  الباب
    window  النافذة    tree   الشجرة
""")
_VEHICLES = {"bus": "بالحافلة", "bicycle": "بالدراجة", "train": "بالقطار", "boat": "بالقارب"}
_TIMES = words("""
    yesterday     أمس               last-night  الليلة الماضية    last-week     الأسبوع الماضي
    this-morning  هذا الصباح        now         الآن              every-day     كل يوم
    every-week    كل أسبوع          tomorrow    غدا               this-evening  هذا المساء
    next-week     الأسبوع القادم
""")
# By slot; for the recipient by verb.
_INTERROGATIVES = words("""
    object  ماذا    source  من أين    goal  إلى أين    place  أين       vehicle  كيف
    time    متى     give    لمن       show  على من     send   إلى من
""")
_DATIVES = {"show": "على", "send": "إلى"}


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    feminine = asked != "agent" and _AGENTS[meaning.agent][0] == "f"
    verb = ("verb", _finite(meaning, feminine))
    rest = _complements(meaning, feminine)
    if asked is None:
        return [verb, ("agent", _agents(meaning)), *rest]
    if asked == "agent":
        return [("agent", "من"), verb, *rest]
    entry = meaning.verb if asked == "recipient" else asked
    wh = _counted(meaning) if asked == "number" else _INTERROGATIVES[entry]
    role = "object" if asked == "number" else asked
    rest = [phrase for phrase in rest if phrase[0] != role]
    return [(role, wh), verb, ("agent", _agents(meaning)), *rest]


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    gender, singular, _, _ = _OBJECTS[meaning.object]
    masculine, *_, feminine, _ = _ADJECTIVES[meaning.adjective]
    return (f"كيف هي ال{singular}", feminine) if gender == "f" else (f"كيف هو ال{singular}", masculine)


def _agents(meaning: Meaning) -> str:
    return " و".join(_AGENTS[agent][1] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning, accusative: bool = True) -> str:
    gender, singular, dual, plural = _OBJECTS[meaning.object]
    feminine = gender == "f"
    dual_ending = "ين" if accusative else "ان"
    indefinite = singular if feminine or not accusative else singular + "ا"
    forms = _ADJECTIVES.get(meaning.adjective, ("",) * 6)
    indefinite_m, after_article, dual_m, adjective_f, dual_f = forms[accusative], *forms[2:]
    match meaning.number:
        case None:
            article = "ال" if meaning.adjective else ""
            words_ = ("ال" + singular, article + (adjective_f if feminine else after_article))
        case "one":
            one = "واحدة" if feminine else "واحدا" if accusative else "واحد"
            words_ = (indefinite, adjective_f if feminine else indefinite_m, one)
        case "two":
            adjective = (dual_f if feminine else dual_m) + dual_ending if meaning.adjective else ""
            words_ = (dual + dual_ending, adjective)
        case numeral:
            words_ = (_NUMERALS[numeral][feminine], plural, adjective_f)
    return " ".join(word for word in words_ if word)


def _counted(meaning: Meaning) -> str:
    gender, singular, _, _ = _OBJECTS[meaning.object]
    return "كم " + (singular if gender == "f" else singular + "ا")


def _finite(meaning: Meaning, feminine: bool) -> str:
    perfect_m, perfect_f, imperfect, jussive = _VERBS[meaning.head]
    prefix = "ت" if feminine else "ي"
    match meaning.tense, meaning.negative:
        case "past", False:
            return perfect_f if feminine else perfect_m
        case "past", True:
            return f"لم {prefix}{jussive}"
        case "future", False:
            return f"س{prefix}{imperfect}"
        case "future", True:
            return f"لن {prefix}{imperfect}"
        case _:
            return ("لا " if meaning.negative else "") + prefix + imperfect


def _complements(meaning: Meaning, feminine: bool) -> list[Phrase]:
    time = meaning.time and ("time", _TIMES[meaning.time])
    errand = meaning.pattern == "errand"
    candidates = [
        errand and time,
        meaning.source and ("source", f"من {_PLACES[meaning.source]}"),
        meaning.goal and ("goal", f"إلى {_PLACES[meaning.goal]}"),
        _purpose(meaning, feminine),
        meaning.object and ("object", _object(meaning)),
        meaning.recipient and ("recipient", _recipient(meaning)),
        meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle]),
        meaning.place and ("place", f"في {_PLACES[meaning.place]}"),
        not errand and time,
    ]
    return [phrase for phrase in candidates if phrase]


def _purpose(meaning: Meaning, feminine: bool) -> Phrase | None:
    verb = ("ت" if feminine else "ي") + _VERBS[meaning.verb][2]
    return {"want": ("purpose", f"أن {verb}"), "errand": ("purpose", f"ل{verb}")}.get(meaning.pattern)


def _recipient(meaning: Meaning) -> str:
    name = _AGENTS[meaning.recipient][1]
    if meaning.verb == "give":
        # The preposition merges with the article.
        return f"لل{name[2:]}" if name.startswith("ال") else f"ل{name}"
    return f"{_DATIVES[meaning.verb]} {name}"


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    past, feminine = meaning.tense == "past", _OBJECTS[meaning.object][0] == "f"
    place = f" في {_PLACES[meaning.place]}" if meaning.place else ""
    location = ("location", f"{_RELATIONS[meaning.relation]} {_LANDMARKS[meaning.landmark]}{place}")
    thing = ("object", _object(meaning, accusative=False))
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    verb = [("verb", "كانت" if feminine else "كان")] if past else []
    if asked == "location":
        return [("location", "أين"), *verb, thing]
    if asked:
        wh = "ماذا" if asked == "object" else _counted(meaning)
        return [("object", wh), ("verb", "كان" if past else "يوجد"), location]
    if meaning.negative:
        verb = [("verb", (("ليس", "ليست"), ("لم يكن", "لم تكن"))[past][feminine])]
    there = [("aux", "هناك")] if meaning.number else []
    return [*verb, *there, thing, location, *time]
