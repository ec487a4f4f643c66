"""Turkish: time first, subject, place, object, verb; cases by suffix, no plural after numerals."""

from __future__ import annotations

from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase, moved
from repalign.corpora.phrasebook.tables import table, words

SPACE, STOP, QUESTION = " ", ".", "?"

_AGENTS = words("""
    mother   annem       father   babam      grandmother  büyükannem    grandfather  dedem
    teacher  öğretmen    doctor   doktor     nurse        hemşire       farmer       çiftçi
    cook     aşçı        student  öğrenci    neighbour    komşu         girl         kız
    boy      oğlan       guest    misafir
""")
_RECIPIENTS = words("""
    mother  anneme    teacher  öğretmene    doctor  doktora    neighbour  komşuya    girl  kıza
    boy     oğlana    guest    misafire
""")
# Nominative, accusative.
_OBJECTS = table("""
    apple      elma      elmayı
    orange     portakal  portakalı
    egg        yumurta   yumurtayı
    fish       balık     balığı
    cake       kek       keki
    book       kitap     kitabı
    letter     mektup    mektubu
    newspaper  gazete    gazeteyi
    map        harita    haritayı
    shirt      gömlek    gömleği
    coat       palto     paltoyu
    dress      elbise    elbiseyi
    hat        şapka     şapkayı
    cup        fincan    fincanı
    plate      tabak     tabağı
    spoon      kaşık     kaşığı
    box        kutu      kutuyu
    bag        çanta     çantayı
    basket     sepet     sepeti
    key        anahtar   anahtarı
    umbrella   şemsiye   şemsiyeyi
    lamp       lamba     lambayı
    mirror     ayna      aynayı
    bottle     şişe      şişeyi
    painting   tablo     tabloyu
    flower     çiçek     çiçeği
""")
_ADJECTIVES = words("""
    big        büyük       small        küçük     new        yeni     old        eski
    red        kırmızı     white        beyaz     beautiful  güzel    expensive  pahalı
    delicious  lezzetli    interesting  ilginç
""")
_NUMERALS = {"one": "bir", "two": "iki", "three": "üç", "four": "dört"}
# Past and its negative, progressive and its negative, aorist, future and its negative, infinitive.
_VERBS = table("""
    read    okudu     okumadı     okuyor      okumuyor     okur      okuyacak    okumayacak     okumak
    eat     yedi      yemedi      yiyor       yemiyor      yer       yiyecek     yemeyecek      yemek
    cut     kesti     kesmedi     kesiyor     kesmiyor     keser     kesecek     kesmeyecek     kesmek
    wash    yıkadı    yıkamadı    yıkıyor     yıkamıyor    yıkar     yıkayacak   yıkamayacak    yıkamak
    open    açtı      açmadı      açıyor      açmıyor      açar      açacak      açmayacak      açmak
    break   kırdı     kırmadı     kırıyor     kırmıyor     kırar     kıracak     kırmayacak     kırmak
    buy     aldı      almadı      alıyor      almıyor      alır      alacak      almayacak      almak
    sell    sattı     satmadı     satıyor     satmıyor     satar     satacak     satmayacak     satmak
    see     gördü     görmedi     görüyor     görmüyor     görür     görecek     görmeyecek     görmek
    hide    sakladı   saklamadı   saklıyor    saklamıyor   saklar    saklayacak  saklamayacak   saklamak
    give    verdi     vermedi     veriyor     vermiyor     verir     verecek     vermeyecek     vermek
    show    gösterdi  göstermedi  gösteriyor  göstermiyor  gösterir  gösterecek  göstermeyecek  göstermek
    send    gönderdi  göndermedi  gönderiyor  göndermiyor  gönderir  gönderecek  göndermeyecek  göndermek
    go      gitti     gitmedi     gidiyor     gitmiyor     gider     gidecek     gitmeyecek     gitmek
    return  döndü     dönmedi     dönüyor     dönmüyor     döner     dönecek     dönmeyecek     dönmek
""")
# The noun of a compound verb, which stays before the inflected verb.
_PREVERBS = {"buy": "satın "}
_COLUMNS = {"past": 0, "now": 2, "future": 5}
# In, from, to.
_PLACES = table("""
    market    pazarda       pazardan       pazara
    school    okulda        okuldan        okula
    hospital  hastanede     hastaneden     hastaneye
    village   köyde         köyden         köye
    garden    bahçede       bahçeden       bahçeye
    kitchen   mutfakta      mutfaktan      mutfağa
    library   kütüphanede   kütüphaneden   kütüphaneye
    city      şehirde       şehirden       şehre
    station   istasyonda    istasyondan    istasyona
    shop      mağazada      mağazadan      mağazaya
""")
# In the present, in the past.
_RELATIONS = {
    "on": ("üstünde", "üstündeydi"),
    "under": ("altında", "altındaydı"),
    "behind": ("arkasında", "arkasındaydı"),
    "beside": ("yanında", "yanındaydı"),
}
_LANDMARKS = words("""
    table  masanın    chair   sandalyenin    bed   yatağın    cupboard  dolabın
    door   kapının    window  pencerenin     tree  ağacın
""")
_VEHICLES = words("""
    bus  otobüsle    bicycle  bisikletle    train  trenle    boat  tekneyle
""")
_TIMES = words("""
    yesterday     dün              last-night  dün gece    last-week     geçen hafta
    this-morning  bu sabah         now         şimdi       every-day     her gün
    every-week    her hafta        tomorrow    yarın       this-evening  bu akşam
    next-week     gelecek hafta
""")
_INTERROGATIVES = words("""
    agent    kim      recipient  kime        source  nereden    goal  nereye    place  nerede
    vehicle  nasıl    time       ne zaman
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
    goal = meaning.goal and ("goal", _PLACES[meaning.goal][2])
    errand = meaning.pattern == "errand"
    candidates = [
        time,
        ("agent", _agents(meaning)),
        meaning.place and ("place", _PLACES[meaning.place][0]),
        meaning.recipient and ("recipient", _RECIPIENTS[meaning.recipient]),
        meaning.source and ("source", _PLACES[meaning.source][1]),
        not errand and goal,
        meaning.vehicle and ("vehicle", _VEHICLES[meaning.vehicle]),
        meaning.object and ("object", _object(meaning)),
        *_predicate(meaning, plural=meaning.partner is not None and asked != "agent"),
    ]
    ordered = [_ask(phrase, meaning, asked) for phrase in candidates if phrase]
    if asked in (None, "object", "number"):
        return ordered
    # An indefinite object keeps the place before the verb, where the interrogative stands otherwise.
    anchor = "object" if meaning.number and not errand else "purpose" if meaning.pattern == "want" else "verb"
    return moved(ordered, asked, before=anchor)


def quality(meaning: Meaning) -> tuple[str, str]:
    """The question what the object is like, without its mark, and the answer.

    Args:
        meaning: a meaning with one object and an adjective.
    """
    return f"{_OBJECTS[meaning.object][0]} nasıl", _ADJECTIVES[meaning.adjective]


def _ask(phrase: Phrase, meaning: Meaning, asked: str | None) -> Phrase:
    role, _ = phrase
    if asked == "number" and role == "object":
        return role, f"kaç {_OBJECTS[meaning.object][0]}"
    if asked == "object" and role == "object":
        return role, "ne" if meaning.number or meaning.pattern == "place" else "neyi"
    return (role, _INTERROGATIVES[role]) if role == asked else phrase


def _agents(meaning: Meaning) -> str:
    return " ve ".join(_AGENTS[agent] for agent in (meaning.agent, meaning.partner) if agent)


def _object(meaning: Meaning, accusative: bool = True) -> str:
    noun = _OBJECTS[meaning.object][accusative and not meaning.number]
    words_ = [_NUMERALS.get(meaning.number), _ADJECTIVES.get(meaning.adjective), noun]
    if meaning.number == "one":
        words_[:2] = reversed(words_[:2])
    return " ".join(word for word in words_ if word)


def _predicate(meaning: Meaning, plural: bool) -> list[Phrase]:
    if meaning.pattern == "want":
        return [("purpose", _infinitive(meaning)), ("verb", "istemiyor" if meaning.negative else "istiyor")]
    if meaning.pattern == "errand":
        purpose = ("purpose", f"{_infinitive(meaning)} için")
        return [purpose, ("goal", _PLACES[meaning.goal][2]), ("verb", _finite(meaning, plural))]
    return [("verb", _finite(meaning, plural))]


def _infinitive(meaning: Meaning) -> str:
    return _PREVERBS.get(meaning.verb, "") + _VERBS[meaning.verb][7]


def _finite(meaning: Meaning, plural: bool) -> str:
    forms = _VERBS[meaning.head]
    form = forms[4] if meaning.tense == "habitual" else forms[_COLUMNS[meaning.tense] + meaning.negative]
    form = _PREVERBS.get(meaning.head, "") + form
    if not plural:
        return form
    last_vowel = [letter for letter in form if letter in "aıoueiöü"][-1]
    return form + ("lar" if last_vowel in "aıou" else "ler")


def _location(meaning: Meaning, asked: str | None) -> list[Phrase]:
    past = meaning.tense == "past"
    place = f"{_PLACES[meaning.place][0]}ki " if meaning.place else ""
    # The past copula is a suffix of the location itself, unless a word of its own follows.
    copula = past and not (meaning.number or asked or meaning.negative)
    location = ("location", f"{place}{_LANDMARKS[meaning.landmark]} {_RELATIONS[meaning.relation][copula]}")
    thing = _ask(("object", _object(meaning, accusative=False)), meaning, asked)
    time = [("time", _TIMES[meaning.time])] if meaning.time else []
    if asked == "location":
        return [thing, ("location", "neredeydi" if past else "nerede")]
    if meaning.number or asked:
        return [*time, location, thing, ("verb", "vardı" if past else "var")]
    negation = [("verb", "değildi" if past else "değil")] if meaning.negative else []
    return [*time, thing, location, *negation]
