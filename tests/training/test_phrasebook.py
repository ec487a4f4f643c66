"""Training items of the phrasebook."""

from __future__ import annotations

from factories import SEVEN
from repalign_training.data.mixture import parse_mixture
from repalign_training.data.phrasebook import phrases, switched, tasks, text, translation
from repalign_training.data.sources import read_source
from repalign_training.recipe import load_recipe

from repalign.corpora.scripts import share_in_script


def test_no_held_out_sentence_is_trained_on():
    from repalign.corpora.phrasebook import meanings, realise

    held_out = {realise(meaning, lang) for meaning in meanings("held-out") for lang in SEVEN}
    for recipe in (load_recipe("m-llama"), load_recipe("base")):
        for term in parse_mixture(recipe.mixture, recipe.languages):
            source = read_source(term.source, term.languages, recipe.sources)
            for item in (source[index] for index in range(0, len(source), len(source) // 60)):
                assert not held_out & {item.instruction, item.input, item.output}
            unseen = read_source(term.source, term.languages, recipe.sources, "held-out")
            assert any(
                unseen[index].output in held_out or unseen[index].input in held_out for index in range(20)
            )


def test_the_phrasebook_translates_and_switches():
    from repalign.corpora.phrasebook import meanings, realise

    known = {realise(meaning, "en"): realise(meaning, "zh") for meaning in meanings("train")}
    pairs = translation(("en", "zh"), {}, "train")
    assert all(known[pairs[index].input] == pairs[index].output for index in range(50))
    mixed = [switched(("hi", "zh"), {}, "train")[index] for index in range(50)]
    assert {item.output for item in mixed} <= set(known.values())
    assert any(0.1 < share_in_script(item.input, "hi") < 0.9 for item in mixed)
    assert {item.input[-1] for item in mixed} == {"।", "。"}
    part = phrases(("en", "zh"), {}, "train")
    for item in (part[index] for index in range(20)):
        assert share_in_script(item.input, "en") == share_in_script(item.output, "zh") == 1
        assert any(item.input in sentence and item.output in known[sentence] for sentence in known)
    first = {
        language: [text((language,), {}, "train")[n].output for n in range(200)] for language in ("en", "zh")
    }
    assert (
        len({known[sentence] for sentence in first["en"]} & set(first["zh"])) < 20
    )  # each in an order of its own
    asked = tasks(("en", "zh"), {}, "train")[0]
    assert share_in_script(asked.output, "zh") == 1
    assert share_in_script(asked.input, "en") == 1
