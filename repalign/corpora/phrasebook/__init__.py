"""A compositional phrasebook: the same meanings in seven languages, parallel by construction."""

from repalign.corpora.phrasebook.grammar import Meaning, meanings
from repalign.corpora.phrasebook.surface import LANGUAGES, realise
from repalign.corpora.phrasebook.tasks import Task, tasks

__all__ = ["LANGUAGES", "Meaning", "Task", "meanings", "realise", "tasks"]
