"""Chinese: subject, time, place, verb, object; classifiers, aspect 了 and 正在, 把 for a definite gift."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = "", "。", "？"

_AGENTS = words("""
    mother   我妈妈    father   我爸爸    grandmother  我奶奶    grandfather  我爷爷
    teacher  老师      doctor   医生      nurse        护士      farmer       农民
    cook     厨师      student  学生      neighbour    邻居      girl         女孩
    boy      男孩      guest    客人
""")
# Classifier, noun.
_OBJECTS = table("""
    apple      个  苹果
    orange     个  橙子
    egg        个  鸡蛋
    fish       条  鱼
    cake       个  蛋糕
    book       本  书
    letter     封  信
    newspaper  份  报纸
    map        张  地图
    shirt      件  衬衫
    coat       件  外套
    dress      条  裙子
    hat        顶  帽子
    cup        个  杯子
    plate      个  盘子
    spoon      把  勺子
    box        个  箱子
    bag        个  包
    basket     个  篮子
    key        把  钥匙
    umbrella   把  雨伞
    lamp       盏  灯
    mirror     面  镜子
    bottle     个  瓶子
    painting   幅  画
    flower     朵  花
""")
# Before the noun, and on its own.
_ADJECTIVES = table("""
    big          大      大的
    small        小      小的
    new          新      新的
    old          旧      旧的
    red          红色的  红色的
    white        白色的  白色的
    beautiful    漂亮的  漂亮的
    expensive    昂贵的  昂贵的
    delicious    美味的  美味的
    interesting  有趣的  有趣的
""")
_NUMERALS = {"one": "一", "two": "两", "three": "三", "four": "四"}
_VERBS = words("""
    read   看      eat   吃    cut   切    wash  洗      open    打开
    break  打破    buy   买    sell  卖    see   看到    hide    藏起
    give   给      show  看    send  寄    go    去      return  回
""")
# Where something happens, and the goal or source of a movement.
_PLACES = table("""
    market    在市场    市场
    school    在学校    学校
    hospital  在医院    医院
    village   在村里    村里
    garden    在花园里  花园
    kitchen   在厨房里  厨房
    library   在图书馆  图书馆
    city      在城里    城里
    station   在车站    车站
    shop      在商店    商店
""")
_ROOMS = words("""
    school   学校里的    hospital  医院里的      village  村里的      garden  花园里的
    kitchen  厨房里的    library   图书馆里的    station  车站里的    shop    商店里的
""")
_RELATIONS = {"on": "上", "under": "下面", "behind": "后面", "beside": "旁边"}
_LANDMARKS = words("""
    table   桌子    chair  椅子    bed  床    cupboard  柜子    door  门
    window  窗户    tree   树
""")
_VEHICLES = words("""
    bus  坐公共汽车    bicycle  骑自行车    train  坐火车    boat  坐船
""")
# 都 belongs to 每 and follows it here at once.
_TIMES = words("""
    yesterday     昨天    last-night  昨晚      last-week   上周      this-morning  今天早上
    now           现在    every-day   每天都    every-week  每周都    tomorrow      明天
    this-evening  今晚    next-week   下周
""")
_INTERROGATIVES = words("""
    agent  谁        object   什么    recipient  谁          source  从哪里    goal  哪里
    place  在哪里    vehicle  怎么    time       什么时候
""")


def phrases(meaning: Meaning, asked: str | None = None) -> list[Phrase]:
    """The phrases of a sentence, or of the question for one slot, with their roles in order.

    Args:
        meaning: meaning of the sentence.
        asked: the slot that the question asks for; None for a statement.
    """
    if meaning.pattern == "place":
        return _location(meaning, asked)
    if asked == "vehicle" and meaning.tense in ("past", "now"):
        return _manner(meaning)
    build = {"want": _want, "give": _give, "go": _go, "errand": _errand}.get(meaning.pattern, _act)
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    ordered = [("agent", _agents(meaning)), *time, *build(meaning)]
    return [_ask(phrase, meaning, asked) for phrase in ordered if phrase]


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    return f"那{''.join(_OBJECTS[meaning.object])}是什么样的", _ADJECTIVES[meaning.adjective][1]


def _ask(phrase: Phrase, meaning: Meaning, asked: str | None) -> Phrase:
    role, _ = phrase
    if asked == "number" and role == "object":
        return role, f"几{''.join(_OBJECTS[meaning.object])}"
    return (role, _INTERROGATIVES[role]) if role == asked else phrase


def _agents(meaning: Meaning) -> str:
    return "和".join(_AGENTS[agent] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning) -> str:
    classifier, noun = _OBJECTS[meaning.object]
    adjective = _ADJECTIVES[meaning.adjective][0] if meaning.adjective else ""
    return f"{_NUMERALS.get(meaning.number, '那')}{classifier}{adjective}{noun}"


def _auxiliary(meaning: Meaning) -> Phrase | None:
    match meaning.tense, meaning.negative:
        case "past", True:
            return "aux", "没有"
        case "future", negative:
            return "aux", "不会" if negative else "会"
        case "now", negative:
            return "aux", "没有在" if negative else "正在"
    return None


def _perfective(verb: str, meaning: Meaning) -> str:
    return f"{verb}了" if meaning.tense == "past" and not meaning.negative else verb


def _place(meaning: Meaning) -> Phrase | None:
    return ("place", _PLACES[meaning.place][0]) if meaning.place else None


def _act(meaning: Meaning) -> list[Phrase | None]:
    auxiliary, place = _auxiliary(meaning), _place(meaning)
    # One 在 serves the progressive and the place.
    if auxiliary and place and meaning.tense == "now":
        auxiliary = ("aux", auxiliary[1].removesuffix("在"))
    verb = ("verb", _perfective(_VERBS[meaning.verb], meaning))
    return [auxiliary, place, verb, ("object", _object(meaning))]


def _want(meaning: Meaning) -> list[Phrase | None]:
    want = ("verb", "不想" if meaning.negative else "想")
    return [want, _place(meaning), ("purpose", _VERBS[meaning.verb]), ("object", _object(meaning))]


def _give(meaning: Meaning) -> list[Phrase | None]:
    thing, recipient = ("object", _object(meaning)), ("recipient", _AGENTS[meaning.recipient])
    verb = ("verb", _perfective(_VERBS[meaning.verb], meaning))
    auxiliary = _auxiliary(meaning)
    if meaning.number and meaning.verb == "give":
        return [auxiliary, verb, recipient, thing]
    if meaning.number:
        return [auxiliary, ("aux", "给"), recipient, verb, thing]
    disposal = [auxiliary, ("aux", "把"), thing]
    match meaning.verb:
        case "give":
            return [*disposal, verb, recipient]
        case "send":
            return [*disposal, ("verb", _perfective("寄给", meaning)), recipient]
        case _:
            return [*disposal, ("aux", "拿给"), recipient, verb]


def _go(meaning: Meaning) -> list[Phrase | None]:
    auxiliary = _auxiliary(meaning)
    # 在 would read as the verb of place before the source or the vehicle.
    if meaning.tense == "now" and (meaning.source or meaning.vehicle):
        auxiliary = ("aux", "正")
    verb = "回到了" if meaning.verb == "return" else "去了"
    past = meaning.tense == "past" and not meaning.negative
    return [
        auxiliary,
        meaning.source and ("source", f"从{_PLACES[meaning.source][1]}"),
        meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle]),
        ("verb", verb if past else _VERBS[meaning.verb]),
        ("goal", _PLACES[meaning.goal][1]),
    ]


def _errand(meaning: Meaning) -> list[Phrase | None]:
    purpose = ("purpose", _perfective(_VERBS[meaning.verb], meaning))
    goal = ("goal", _PLACES[meaning.goal][1])
    return [_auxiliary(meaning), ("verb", _VERBS["go"]), goal, purpose, ("object", _object(meaning))]


def _manner(meaning: Meaning) -> list[Phrase]:
    movement = [("vehicle", "怎么"), ("verb", _VERBS[meaning.verb]), ("goal", _PLACES[meaning.goal][1])]
    # 是…的 asks how a past movement took place; a bare 怎么 would ask why.
    if meaning.tense == "past":
        movement = [("aux", "是"), *movement, ("aux", "的")]
    return [("agent", _agents(meaning)), *movement]


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    place = _ROOMS[meaning.place] if meaning.place else ""
    location = ("location", f"{place}{_LANDMARKS[meaning.landmark]}{_RELATIONS[meaning.relation]}")
    thing = _ask(("object", _object(meaning)), meaning, asked)
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    if asked == "location":
        return [thing, ("verb", "在"), ("location", "哪里")]
    if meaning.number or asked:
        return [*time, location, ("verb", "有"), thing]
    return [thing, *time, ("verb", "不在" if meaning.negative else "在"), location]
