"""Prompts, the same for training and for analysis."""

from __future__ import annotations

from dataclasses import dataclass

from repalign.registry import Registry


@dataclass(frozen=True)
class Template:
    """A frame around an instruction (training, generation) or around a bare sentence (analysis).

    Attributes:
        name: as given to `--template`.
        with_input: frame with the placeholders `{instruction}` and `{input}`; the response follows directly.
        without_input: frame with the placeholder `{instruction}`.
    """

    name: str
    with_input: str
    without_input: str

    def prompt(self, instruction: str, input: str = "") -> str:
        """The text that comes before the response."""
        frame = self.with_input if input else self.without_input
        return _fill(frame, {"{instruction}": instruction, "{input}": input})

    @property
    def is_bare(self) -> bool:
        """Whether it adds nothing to a sentence."""
        return self.without_input == "{instruction}"

    def around(self, sentence: str) -> tuple[str, str, str]:
        """The parts (before, sentence, after) of a framed sentence, of which only the sentence's tokens are pooled."""
        before, _, after = self.without_input.partition("{instruction}")
        return before, sentence, after


def _fill(frame: str, values: dict[str, str]) -> str:
    """Fill the placeholders without `str.format`, so that braces in the user's text stay text."""
    out, rest = [], frame
    while rest:
        placeholder = min((p for p in values if p in rest), key=rest.index, default=None)
        if placeholder is None:
            break
        before, _, rest = rest.partition(placeholder)
        out += [before, values[placeholder]]
    return "".join([*out, rest])


TEMPLATES: Registry[Template] = Registry("template")

RAW = TEMPLATES.add("raw", Template("raw", "{instruction} {input}", "{instruction}"))

# The frame of Stanford Alpaca, kept in English whatever the language of the contents: as in the paper's code.
ALPACA = TEMPLATES.add(
    "alpaca",
    Template(
        "alpaca",
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:",
        "Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\n{instruction}\n\n### Response:",
    ),
)

# Four short marks instead of forty tokens: for models so small that they would spend most of the training on the frame.
# No space at the end: many tokenizers would join it to the first word of the answer, which generation cannot reproduce.
BRIEF = TEMPLATES.add("brief", Template("brief", "#{instruction}\n{input}\n=", "#{instruction}\n="))

# The bare text comes first, as in analysis, so that its states cannot depend on the instruction after it.
INPUT_FIRST = TEMPLATES.add(
    "input-first", Template("input-first", "{input}\n{instruction}\n", "{instruction}\n")
)
