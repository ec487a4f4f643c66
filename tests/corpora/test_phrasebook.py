"""The phrasebook corpus: parallel, injective, split without leaks, and right in each language."""

import hashlib
import unicodedata
from collections import Counter
from functools import cache

import pytest

from repalign.corpora.phrasebook import LANGUAGES, Meaning, meanings, realise, tasks
from repalign.corpora.phrasebook.grammar import PATTERNS, is_sensible, variant
from repalign.errors import RepalignError

STOPS = {"en": ".", "ar": ".", "el": ".", "hi": "।", "tr": ".", "vi": ".", "zh": "。"}
QUESTION_MARKS = {"en": "?", "ar": "؟", "el": ";", "hi": "?", "tr": "?", "vi": "?", "zh": "？"}
YES = {"en": "yes", "ar": "نعم", "el": "ναι", "hi": "हाँ", "tr": "evet", "vi": "có", "zh": "是"}
QUESTIONS = {
    "who",
    "what",
    "where",
    "when",
    "how-many",
    "what-kind",
    "to-whom",
    "where-from",
    "where-to",
    "how",
}
TRANSLATABLE = QUESTIONS | {"order"}

# Written by hand, not by the grammar.
EXPECTED = [
    (
        "pattern=act agent=girl partner=doctor verb=buy object=lamp number=two adjective=red "
        "place=market time=yesterday",
        {
            "en": "The girl and the doctor bought two red lamps at the market yesterday.",
            "ar": "اشترت البنت والطبيب مصباحين أحمرين في السوق أمس.",
            "el": "Χθες το κορίτσι και ο γιατρός αγόρασαν δύο κόκκινες λάμπες στην αγορά.",
            "hi": "लड़की और डॉक्टर ने कल बाज़ार में दो लाल लैंप ख़रीदे।",
            "tr": "Dün kız ve doktor pazarda iki kırmızı lamba satın aldılar.",
            "vi": "Hôm qua cô bé và bác sĩ đã mua hai cái đèn đỏ ở chợ.",
            "zh": "女孩和医生昨天在市场买了两盏红色的灯。",
        },
    ),
    (
        "pattern=act polarity=negative agent=cook verb=wash object=shirt adjective=white "
        "place=kitchen time=this-morning",
        {
            "en": "The cook did not wash the white shirt in the kitchen this morning.",
            "ar": "لم يغسل الطباخ القميص الأبيض في المطبخ هذا الصباح.",
            "el": "Σήμερα το πρωί ο μάγειρας δεν έπλυνε το άσπρο πουκάμισο στην κουζίνα.",
            "hi": "रसोइए ने आज सुबह रसोई में सफ़ेद कमीज़ नहीं धोई।",
            "tr": "Bu sabah aşçı mutfakta beyaz gömleği yıkamadı.",
            "vi": "Sáng nay người đầu bếp đã không giặt chiếc áo sơ mi trắng trong bếp.",
            "zh": "厨师今天早上没有在厨房里洗那件白色的衬衫。",
        },
    ),
    (
        "pattern=give agent=grandmother verb=show object=newspaper number=three "
        "adjective=interesting recipient=boy time=next-week",
        {
            "en": "My grandmother will show three interesting newspapers to the boy next week.",
            "ar": "ستعرض جدتي ثلاث جرائد ممتعة على الولد الأسبوع القادم.",
            "el": "Την επόμενη εβδομάδα η γιαγιά μου θα δείξει στο αγόρι τρεις ενδιαφέρουσες εφημερίδες.",
            "hi": "मेरी दादी अगले हफ़्ते लड़के को तीन दिलचस्प अख़बार दिखाएँगी।",
            "tr": "Gelecek hafta büyükannem oğlana üç ilginç gazete gösterecek.",
            "vi": "Tuần sau bà tôi sẽ cho cậu bé xem ba tờ báo thú vị.",
            "zh": "我奶奶下周会给男孩看三份有趣的报纸。",
        },
    ),
    (
        "pattern=give agent=father verb=give object=mirror adjective=expensive recipient=teacher",
        {
            "en": "My father gave the expensive mirror to the teacher.",
            "ar": "أعطى أبي المرآة الغالية للمعلمة.",
            "el": "Ο πατέρας μου έδωσε στη δασκάλα τον ακριβό καθρέφτη.",
            "hi": "मेरे पिताजी ने अध्यापिका को महँगा आईना दिया।",
            "tr": "Babam öğretmene pahalı aynayı verdi.",
            "vi": "Bố tôi đã đưa tấm gương đắt tiền cho cô giáo.",
            "zh": "我爸爸把那面昂贵的镜子给了老师。",
        },
    ),
    (
        "pattern=go agent=farmer partner=nurse verb=return vehicle=train goal=village time=every-week",
        {
            "en": "The farmer and the nurse return to the village by train every week.",
            "ar": "يعود الفلاح والممرضة إلى القرية بالقطار كل أسبوع.",
            "el": "Κάθε εβδομάδα ο αγρότης και η νοσοκόμα επιστρέφουν στο χωριό με το τρένο.",
            "hi": "किसान और नर्स हर हफ़्ते गाँव रेलगाड़ी से लौटते हैं।",
            "tr": "Her hafta çiftçi ve hemşire köye trenle dönerler.",
            "vi": "Mỗi tuần bác nông dân và cô y tá trở về làng bằng tàu hỏa.",
            "zh": "农民和护士每周都坐火车回村里。",
        },
    ),
    (
        "pattern=go agent=student verb=go vehicle=bus source=hospital goal=station time=now",
        {
            "en": "The student is going from the hospital to the station by bus now.",
            "ar": "تذهب الطالبة من المستشفى إلى المحطة بالحافلة الآن.",
            "el": "Τώρα η μαθήτρια πηγαίνει από το νοσοκομείο στον σταθμό με το λεωφορείο.",
            "hi": "छात्रा अभी अस्पताल से स्टेशन बस से जा रही है।",
            "tr": "Şimdi öğrenci hastaneden istasyona otobüsle gidiyor.",
            "vi": "Bây giờ nữ sinh đang đi từ bệnh viện đến nhà ga bằng xe buýt.",
            "zh": "学生现在正从医院坐公共汽车去车站。",
        },
    ),
    (
        "pattern=place object=key number=four adjective=small landmark=chair relation=under "
        "place=station time=last-night",
        {
            "en": "There were four small keys under the chair at the station last night.",
            "ar": "كان هناك أربعة مفاتيح صغيرة تحت الكرسي في المحطة الليلة الماضية.",
            "el": "Χθες το βράδυ υπήρχαν τέσσερα μικρά κλειδιά κάτω από την καρέκλα του σταθμού.",
            "hi": "कल रात स्टेशन पर कुर्सी के नीचे चार छोटी चाबियाँ थीं।",
            "tr": "Dün gece istasyondaki sandalyenin altında dört küçük anahtar vardı.",
            "vi": "Tối qua dưới ghế ở nhà ga có bốn chiếc chìa khóa nhỏ.",
            "zh": "昨晚车站里的椅子下面有四把小钥匙。",
        },
    ),
    (
        "pattern=place object=painting adjective=old landmark=door relation=behind place=library "
        "time=last-week",
        {
            "en": "The old painting was behind the door in the library last week.",
            "ar": "كانت اللوحة القديمة خلف الباب في المكتبة الأسبوع الماضي.",
            "el": "Την περασμένη εβδομάδα ο παλιός πίνακας ήταν πίσω από την πόρτα της βιβλιοθήκης.",
            "hi": "पुराना चित्र पिछले हफ़्ते पुस्तकालय में दरवाज़े के पीछे था।",
            "tr": "Geçen hafta eski tablo kütüphanedeki kapının arkasındaydı.",
            "vi": "Tuần trước bức tranh cũ nằm đằng sau cánh cửa ở thư viện.",
            "zh": "那幅旧画上周在图书馆里的门后面。",
        },
    ),
    (
        "pattern=want polarity=negative agent=mother verb=read object=letter adjective=old "
        "place=garden time=tomorrow",
        {
            "en": "My mother does not want to read the old letter in the garden tomorrow.",
            "ar": "لا تريد أمي أن تقرأ الرسالة القديمة في الحديقة غدا.",
            "el": "Αύριο η μητέρα μου δεν θέλει να διαβάσει το παλιό γράμμα στον κήπο.",
            "hi": "मेरी माँ कल बगीचे में पुरानी चिट्ठी पढ़ना नहीं चाहतीं।",
            "tr": "Yarın annem bahçede eski mektubu okumak istemiyor.",
            "vi": "Ngày mai mẹ tôi không muốn đọc bức thư cũ trong vườn.",
            "zh": "我妈妈明天不想在花园里看那封旧信。",
        },
    ),
    (
        "pattern=errand agent=guest verb=buy object=fish number=one adjective=big goal=market time=last-week",
        {
            "en": "The guest went to the market to buy one big fish last week.",
            "ar": "ذهب الضيف الأسبوع الماضي إلى السوق ليشتري سمكة كبيرة واحدة.",
            "el": "Την περασμένη εβδομάδα ο επισκέπτης πήγε στην αγορά για να αγοράσει ένα μεγάλο ψάρι.",
            "hi": "मेहमान पिछले हफ़्ते एक बड़ी मछली ख़रीदने बाज़ार गया।",
            "tr": "Geçen hafta misafir büyük bir balık satın almak için pazara gitti.",
            "vi": "Tuần trước vị khách đã đi đến chợ để mua một con cá lớn.",
            "zh": "客人上周去市场买了一条大鱼。",
        },
    ),
]


@cache
def corpus(split: str, language: str) -> list[str]:
    return [realise(meaning, language) for meaning in meanings(split)]


def said(key: str) -> Meaning:
    return Meaning(**dict(pair.split("=") for pair in key.split()))


def everything(language: str) -> list[str]:
    return corpus("train", language) + corpus("held-out", language)


def word_types(texts: list[str]) -> set[str]:
    return {lettered(word).casefold() for word in {word for text in texts for word in text.split()}} - {""}


def lettered(word: str) -> str:
    return "".join(char for char in word if unicodedata.category(char)[0] in "LMN")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("index", range(len(EXPECTED)))
def test_sentence_as_a_native_writes_it(index: int, language: str) -> None:
    key, sentences = EXPECTED[index]
    meaning = said(key)
    assert is_sensible(meaning)
    assert realise(meaning, language) == sentences[language]


def test_size_and_patterns() -> None:
    train, held_out = meanings("train"), meanings("held-out")
    assert len(train) + len(held_out) >= 40_000
    assert 1_000 <= len(held_out) <= 0.06 * len(train)
    assert {meaning.pattern for meaning in held_out[:200]} == set(PATTERNS)
    assert all(is_sensible(meaning) for meaning in held_out)
    words = [len(sentence.split()) for sentence in everything("en")]
    assert min(words) >= 5
    assert sum(count <= 14 for count in words) > 0.95 * len(words)


def test_meanings_order_by_key() -> None:
    first = meanings("held-out")[:20]
    assert [str(meaning) for meaning in sorted(first)] == sorted(str(meaning) for meaning in first)


def test_split_is_disjoint_and_held_out_values_are_known() -> None:
    train, held_out = meanings("train"), meanings("held-out")
    assert not set(train) & set(held_out)
    known = {item for meaning in train for item in vars(meaning).items()}
    assert {item for meaning in held_out for item in vars(meaning).items()} <= known


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_tell_meanings_apart(language: str) -> None:
    sentences = everything(language)
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_words_occur_in_training(language: str) -> None:
    held_out, train = corpus("held-out", language), corpus("train", language)
    if language == "zh":
        held_out, train = list("".join(held_out)), list("".join(train))
    assert word_types(held_out) <= word_types(train)


def test_no_word_type_belongs_to_two_languages() -> None:
    texts = {language: everything(language) for language in LANGUAGES}
    for meaning in meanings("train")[:300]:
        for language in LANGUAGES:
            other = "zh" if language != "zh" else "en"
            for task in (*tasks(meaning, language), *tasks(meaning, language, other)):
                texts[language] += [task.instruction, task.input]
    types = {language: word_types(texts[language]) for language in LANGUAGES}
    counts = Counter(word for words in types.values() for word in words)
    assert [word for word, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_writing(language: str) -> None:
    assert not any(char.isdigit() for char in set("".join(everything(language))))
    for sentence in everything(language)[::4]:
        assert unicodedata.is_normalized("NFC", sentence)
        assert sentence.index(STOPS[language]) == len(sentence) - 1
        assert not sentence[0].islower()
        assert (" " in sentence) == (language != "zh")
        assert "  " not in sentence


def test_corpus_is_the_same_everywhere() -> None:
    first = meanings("held-out")[:50]
    text = "\n".join(realise(meaning, language) for meaning in first for language in LANGUAGES)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_tasks_are_well_formed(language: str) -> None:
    kinds = Counter()
    for meaning in meanings("held-out")[:300]:
        sentence = realise(meaning, language)
        for task in tasks(meaning, language):
            kinds[task.kind] += 1
            assert task.output
            assert unicodedata.is_normalized("NFC", task.instruction + task.output)
            if task.kind == "gap":
                assert task.input.count("___") == 1
                assert task.input.replace("___", task.output) == sentence
                assert task.output in task.instruction
            elif task.kind == "order":
                assert task.output == sentence
                check_order(task.input.split(" / "), sentence, language)
            else:
                assert task.input == sentence
                assert task.instruction.endswith(QUESTION_MARKS[language])
    assert set(kinds) == TRANSLATABLE | {"gap", "yes-no"}


def check_order(units: list[str], sentence: str, language: str) -> None:
    body = sentence[:-1]
    space = "" if language == "zh" else " "
    assert space.join(units) != body
    # Chinese units are phrases, so only their characters can be compared with the sentence.
    assert Counter(units if space else "".join(units)) == Counter(body.split() if space else body)
    assert all(unit in body for unit in units)


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrase_answers_stand_in_the_sentence(language: str) -> None:
    for meaning in meanings("held-out")[:300]:
        sentence = realise(meaning, language)
        for task in tasks(meaning, language):
            # A predicate adjective and a counted noun without its adjective have forms of their own.
            if task.kind not in ("order", "gap", "yes-no", "what-kind", "how-many"):
                assert task.output.casefold() in sentence.casefold()


def test_yes_and_no_are_balanced_and_true() -> None:
    for language in LANGUAGES:
        answers = Counter()
        for meaning in meanings("held-out")[:200]:
            task = next(task for task in tasks(meaning, language) if task.kind == "yes-no")
            says = realise(meaning, language)[:-1] in task.instruction
            assert (task.output == YES[language]) == says
            answers[says] += 1
        assert 75 <= answers[True] <= 125


def test_variant_differs_in_one_slot_and_leaks_nothing() -> None:
    held_out = set(meanings("held-out"))
    for meaning in meanings("train")[:1_000]:
        other = variant(meaning)
        assert is_sensible(other)
        assert other not in held_out
        assert sum(a != b for a, b in zip(vars(meaning).values(), vars(other).values(), strict=True)) == 1


def test_answers_in_another_language() -> None:
    for meaning in meanings("held-out")[:200]:
        own = {task.kind: task for task in tasks(meaning, "en")}
        target = {task.kind: task for task in tasks(meaning, "el")}
        crossed = tasks(meaning, "en", "el")
        assert {task.kind for task in crossed} == set(own) & TRANSLATABLE
        for task in crossed:
            assert task.input == own[task.kind].input
            assert task.output == target[task.kind].output
            assert task.instruction == f"{own[task.kind].instruction} Answer in Greek."
    assert tasks(meaning, "en", "en") == tasks(meaning, "en")


def test_unknown_names_are_refused_with_a_hint() -> None:
    meaning = meanings("held-out")[0]
    with pytest.raises(RepalignError, match="did you mean 'en'"):
        realise(meaning, "eng")
    with pytest.raises(RepalignError):
        tasks(meaning, "en", "xx")
    with pytest.raises(RepalignError):
        meanings("test")


DIGEST = "acff6cc97309dbf5a5213c974249c5e3b5e45409f1bc6a51c26ff6caa419027c"
