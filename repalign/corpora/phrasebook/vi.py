"""Vietnamese: time first, subject, tense particle, verb, object, place; classifiers, the adjective last."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.selection import CLOTHES
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = " ", ".", "?"

_AGENTS = words("""
    mother       mẹ tôi     father     bố tôi          grandmother  bà tôi
    grandfather  ông tôi    teacher    cô giáo         doctor       bác sĩ
    nurse        cô y tá    farmer     bác nông dân    cook         người đầu bếp
    student      nữ sinh    neighbour  cô hàng xóm     girl         cô bé
    boy          cậu bé     guest      vị khách
""")
# Classifier, noun.
_OBJECTS = table("""
    apple      quả    táo
    orange     quả    cam
    egg        quả    trứng
    fish       con    cá
    cake       cái    bánh ngọt
    book       cuốn   sách
    letter     bức    thư
    newspaper  tờ     báo
    map        tấm    bản đồ
    shirt      chiếc  áo sơ mi
    coat       chiếc  áo khoác
    dress      chiếc  váy
    hat        chiếc  mũ
    cup        cái    cốc
    plate      cái    đĩa
    spoon      cái    thìa
    box        cái    hộp
    bag        cái    túi
    basket     cái    giỏ
    key        chiếc  chìa khóa
    umbrella   cái    ô
    lamp       cái    đèn
    mirror     tấm    gương
    bottle     cái    chai
    painting   bức    tranh
    flower     bông   hoa
""")
_ADJECTIVES = words("""
    big        lớn     small        nhỏ       new        mới    old        cũ
    red        đỏ      white        trắng     beautiful  đẹp    expensive  đắt tiền
    delicious  ngon    interesting  thú vị
""")
_NUMERALS = {"one": "một", "two": "hai", "three": "ba", "four": "bốn"}
_VERBS = words("""
    read   đọc       eat   ăn     cut   cắt    wash  rửa          open    mở
    break  làm vỡ    buy   mua    sell  bán    see   nhìn thấy    hide    giấu
    give   đưa       show  cho    send  gửi    go    đi           return  trở về
""")
# Where something happens, and the bare noun.
_PLACES = table("""
    market    ở chợ          chợ
    school    ở trường       trường
    hospital  ở bệnh viện    bệnh viện
    village   ở làng         làng
    garden    trong vườn     vườn
    kitchen   trong bếp      bếp
    library   ở thư viện     thư viện
    city      ở thành phố    thành phố
    station   ở nhà ga       nhà ga
    shop      ở cửa hàng     cửa hàng
""")
_RELATIONS = {"on": "trên", "under": "dưới", "behind": "đằng sau", "beside": "bên cạnh"}
_LANDMARKS = words("""
    table   bàn       chair  ghế        bed  giường    cupboard  tủ    door  cánh cửa
    window  cửa sổ    tree   gốc cây
""")
_VEHICLES = words("""
    bus  bằng xe buýt    bicycle  bằng xe đạp    train  bằng tàu hỏa    boat  bằng thuyền
""")
_TIMES = words("""
    yesterday     hôm qua     last-night  tối qua     last-week     tuần trước
    this-morning  sáng nay    now         bây giờ     every-day     mỗi ngày
    every-week    mỗi tuần    tomorrow    ngày mai    this-evening  tối nay
    next-week     tuần sau
""")
_TENSES = {"past": "đã", "now": "đang", "future": "sẽ"}
_INTERROGATIVES = words("""
    agent  ai         object  gì    source  từ đâu    place  ở đâu    vehicle  bằng gì
    time   khi nào
""")


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    time = meaning.time and ("time", _TIMES[meaning.time])
    # "When" follows the verb to ask about the past and opens the sentence to ask about the future.
    time_last = asked == "time" and meaning.tense == "past"
    candidates = [
        not time_last and time,
        ("agent", _agents(meaning)),
        ("verb", _finite(meaning)),
        *_complements(meaning),
        meaning.place and ("place", _PLACES[meaning.place][0]),
        time_last and time,
    ]
    return [_ask(phrase, meaning, asked) for phrase in candidates if phrase]


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    return f"{' '.join(_OBJECTS[meaning.object])} như thế nào", _ADJECTIVES[meaning.adjective]


def _ask(phrase: Phrase, meaning: Meaning, asked: str | None) -> Phrase:
    role, text = phrase
    if asked == "number" and role == "object":
        return role, f"mấy {' '.join(_OBJECTS[meaning.object])}"
    if role != asked:
        return phrase
    if role == "goal":
        return role, text.replace(_PLACES[meaning.goal][1], "đâu")
    if role == "recipient":
        return role, text.replace(_AGENTS[meaning.recipient], "ai")
    return role, _INTERROGATIVES[role]


def _agents(meaning: Meaning) -> str:
    return " và ".join(_AGENTS[agent] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning) -> str:
    words_ = (_NUMERALS.get(meaning.number), *_OBJECTS[meaning.object], _ADJECTIVES.get(meaning.adjective))
    return " ".join(word for word in words_ if word)


def _verb(meaning: Meaning) -> str:
    # Cloth is washed with another verb than dishes and fruit.
    return "giặt" if meaning.verb == "wash" and meaning.object in CLOTHES else _VERBS[meaning.verb]


def _finite(meaning: Meaning) -> str:
    negation = "không " if meaning.negative else ""
    if meaning.pattern == "want":
        return negation + "muốn"
    # An action that is not in progress takes no particle of progress.
    tense = "" if meaning.negative and meaning.tense == "now" else _TENSES.get(meaning.tense, "")
    verb = _VERBS["go"] if meaning.pattern == "errand" else _verb(meaning)
    return f"{tense} {negation}{verb}".strip()


def _complements(meaning: Meaning) -> list[Phrase]:
    thing = meaning.object and ("object", _object(meaning))
    match meaning.pattern:
        case "want":
            return [("purpose", _verb(meaning)), thing]
        case "errand":
            return [("goal", f"đến {_PLACES[meaning.goal][1]}"), ("purpose", f"để {_verb(meaning)}"), thing]
        case "go":
            source = meaning.source and ("source", f"từ {_PLACES[meaning.source][1]}")
            goal = ("goal", ("đến " if meaning.verb == "go" else "") + _PLACES[meaning.goal][1])
            vehicle = meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle])
            return [source, goal, vehicle] if meaning.verb == "go" else [goal, source, vehicle]
        case "give" if meaning.verb == "show":
            return [("recipient", _AGENTS[meaning.recipient]), ("aux", "xem"), thing]
        case "give":
            return [thing, ("recipient", f"cho {_AGENTS[meaning.recipient]}")]
    return [thing]


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    place = f" {_PLACES[meaning.place][0]}" if meaning.place else ""
    location = ("location", f"{_RELATIONS[meaning.relation]} {_LANDMARKS[meaning.landmark]}{place}")
    thing = _ask(("object", _object(meaning)), meaning, asked)
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    if asked == "location":
        return [thing, ("verb", "nằm"), ("location", "ở đâu")]
    if meaning.number or asked:
        return [*time, location, ("verb", "có"), thing]
    return [*time, thing, ("verb", "không nằm" if meaning.negative else "nằm"), location]
