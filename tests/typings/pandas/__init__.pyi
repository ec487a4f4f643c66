# pandas' own annotations give unions (a column may be a Series, a DataFrame or an array) that correct code cannot
# satisfy, so the type checker is told nothing about it.
from typing import Any

def __getattr__(name: str) -> Any: ...
