"""The folder of call templates -> texts: `templates/shop/cart.json` is the template `shop/cart`, or
several. Knows names and files, and nothing of what the texts mean.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

from apiql.documents.files import Trouble, files_under, text_of
from apiql.errors import Code, Problem
from apiql.frontends.call_templates.reading import is_name, load
from apiql.query_files import FileProblem

FOLDER, SUFFIX = "templates", ".json"


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A text, the name that it has by its file, and the file. Of one that is `inherited` nothing
    counts that there is already.
    """

    name: str
    file: str
    text: str
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """All files of a folder, and what is wrong with those that cannot be taken."""

    files: tuple[TemplateFile, ...] = ()
    problems: tuple[FileProblem, ...] = ()

    def over(self, main: TemplateFiles, bucket: str) -> TemplateFiles:
        """These of a bucket, and the files of the main folder that it has not."""
        names = {file.name for file in self.files}
        others = (
            replace(file, file=f"{file.file} (in the bucket {bucket})", inherited=True)
            for file in main.files
            if file.name not in names
        )
        return TemplateFiles((*self.files, *others), self.problems)


NO_TEMPLATES = TemplateFiles()


def names_in(files: TemplateFiles) -> frozenset[str]:
    """The names of all templates in these files, those included that cannot be used."""
    loaded = [load(file.text, file.file, file.name) for file in files.files]
    return frozenset(
        name for each in loaded for name in (*each.broken, *(d.id for d in each.documents))
    )


def read_template_files(
    conf: Path | None, others: Container[str] = (), elsewhere: Path | None = None
) -> TemplateFiles:
    """The texts of `<conf>/templates`, or of a folder `elsewhere`, and of its folders; other files
    there are left alone: Go templates of definitions stand in the same folder, some of them
    (`others`) with the same ending.
    """
    root = elsewhere or (None if conf is None else conf / FOLDER)
    if root is None or not root.is_dir():
        return NO_TEMPLATES
    files = list[TemplateFile]()
    problems: list[FileProblem] = []
    for found in files_under(root):
        if isinstance(found, Trouble):
            problems.append(_problem(found))
        elif found.name.endswith(SUFFIX) and found.name not in others:
            read = _read(root, found)
            (files if isinstance(read, TemplateFile) else problems).append(read)  # type: ignore[arg-type]
    return TemplateFiles(tuple(files), tuple(problems))


def _read(root: Path, path: Path) -> TemplateFile | FileProblem:
    name = path.relative_to(root).as_posix().removesuffix(SUFFIX)
    if not is_name(name):
        wrong = "this is no name of a template"
        hint = "expected letters, digits, _ and -: cart.json, shop/cart.json"
        return FileProblem(str(path), Problem(Code.VALIDATION, wrong, hint=hint))
    text = text_of(path)
    return _problem(text) if isinstance(text, Trouble) else TemplateFile(name, str(path), text)


def _problem(found: Trouble) -> FileProblem:
    places = () if found.at is None else (found.at,)
    hint = f"expected {found.expected}" if found.expected else None
    return FileProblem(str(found.path), Problem(Code.VALIDATION, found.wrong, places, hint))
