"""What the tests of definitions share: a text read as a document, and its problems as lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from apiql.documents.problems import DefinitionProblem
from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document, Origin
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.reading import read_document

DATA = Path(__file__).resolve().parent.parent / "data" / "apihub"
FOLDERS = ("real/v1", "real/v2", "v1_conf", "v2_conf")
WORDS = {"httpapi": Kind.API}


def origin(generation: str, word: str) -> Origin:
    """A file x of a generation and a kind, by their words: v2, httpapi."""
    kind = WORDS.get(word) or Kind(word)
    return Origin(f"{word}s/x.json", Generation(generation), kind, "x")


def read(
    text: str, generation: str = "v1", word: str = "api"
) -> tuple[Document[Shape] | None, tuple[DefinitionProblem, ...]]:
    """A text read as a document."""
    return read_document(text, origin(generation, word))


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root
