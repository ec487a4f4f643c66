"""How each language words the instructions that are not questions about a slot."""

from __future__ import annotations

from repalign.corpora.phrasebook.tables import words

PROMPTS = {
    "en": {
        "gap": "Fill in the gap: {}",
        "order": "Put the words in order.",
        "yes-no": "Does the sentence say this: “{}”?",
        "yes": "yes",
        "no": "no",
    },
    "ar": {
        "gap": "املأ الفراغ: {}",
        "order": "رتب الكلمات.",
        "yes-no": "هل تقول الجملة هذا: «{}»؟",
        "yes": "نعم",
        "no": "لا",
    },
    "el": {
        "gap": "Συμπλήρωσε το κενό: {}",
        "order": "Βάλε τις λέξεις στη σωστή σειρά.",
        "yes-no": "Λέει η πρόταση αυτό: «{}»;",
        "yes": "ναι",
        "no": "όχι",
    },
    "hi": {
        "gap": "ख़ाली जगह भरो: {}",
        "order": "शब्दों को सही क्रम में रखो।",
        "yes-no": "क्या वाक्य यह कहता है: “{}”?",
        "yes": "हाँ",
        "no": "नहीं",
    },
    "tr": {
        "gap": "Boşluğu doldur: {}",
        "order": "Kelimeleri sıraya koy.",
        "yes-no": "Cümle şunu söylüyor mu: “{}”?",
        "yes": "evet",
        "no": "hayır",
    },
    "vi": {
        "gap": "Điền vào chỗ trống: {}",
        "order": "Sắp xếp lại các từ.",
        "yes-no": "Câu này có nói “{}” không?",
        "yes": "có",
        "no": "không",
    },
    "zh": {
        "gap": "填空：{}",
        "order": "排列词语。",
        "yes-no": "这句话说的是“{}”吗？",
        "yes": "是",
        "no": "不是",
    },
}
"""By language, the wording of each kind of instruction and of the two answers."""

ANSWER_IN = {
    "en": words("""
        en  Answer in English.    ar  Answer in Arabic.     el  Answer in Greek.         hi  Answer in Hindi.
        tr  Answer in Turkish.    vi  Answer in Vietnamese.    zh  Answer in Chinese.
    """),
    "ar": words("""
        en  أجب بالإنجليزية.    ar  أجب بالعربية.    el  أجب باليونانية.    hi  أجب بالهندية.
        tr  أجب بالتركية.    vi  أجب بالفيتنامية.    zh  أجب بالصينية.
    """),
    "el": words("""
        en  Απάντησε στα αγγλικά.    ar  Απάντησε στα αραβικά.       el  Απάντησε στα ελληνικά.
        hi  Απάντησε στα χίντι.      tr  Απάντησε στα τουρκικά.      vi  Απάντησε στα βιετναμικά.
        zh  Απάντησε στα κινεζικά.
    """),
    "hi": words("""
        en  अंग्रेज़ी में उत्तर दो।    ar  अरबी में उत्तर दो।      el  यूनानी में उत्तर दो।    hi  हिंदी में उत्तर दो।
        tr  तुर्की में उत्तर दो।     vi  वियतनामी में उत्तर दो।    zh  चीनी में उत्तर दो।
    """),
    "tr": words("""
        en  İngilizce cevap ver.    ar  Arapça cevap ver.      el  Yunanca cevap ver.    hi  Hintçe cevap ver.
        tr  Türkçe cevap ver.       vi  Vietnamca cevap ver.    zh  Çince cevap ver.
    """),
    "vi": words("""
        en  Trả lời bằng tiếng Anh.        ar  Trả lời bằng tiếng Ả Rập.     el  Trả lời bằng tiếng Hy Lạp.
        hi  Trả lời bằng tiếng Hin-đi.     tr  Trả lời bằng tiếng Thổ Nhĩ Kỳ.    vi  Trả lời bằng tiếng Việt.
        zh  Trả lời bằng tiếng Trung.
    """),
    "zh": words("""
        en  用英语回答。    ar  用阿拉伯语回答。    el  用希腊语回答。    hi  用印地语回答。
        tr  用土耳其语回答。    vi  用越南语回答。    zh  用汉语回答。
    """),
}
"""By the language of an instruction, the request to answer in another one."""
