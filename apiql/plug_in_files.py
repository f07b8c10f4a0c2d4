"""The plug-ins that the settings name -> what they add, all of it checked before any of it is used.
What is not named is not looked at; what is wrong with any is told of all together.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from apiql import gotemplate
from apiql.errors import Code, Location, Problem
from apiql.plug_in_edge import Broken, outcome
from apiql.plug_in_merging import Merging
from apiql.plugins import Function, PlugIn, Registry
from apiql.query_files import FileProblem, FilesRefused
from apiql.settings import PlugIns as Named

FOLDER, SUFFIX, GROUP = "plugins", ".py", "apiql.plugins"
ENTRY = "register"
"""The function that a plug-in has."""
MOST_BYTES = 1024 * 1024
"""Of one file."""
_EXPECTED = "def register() -> PlugIn: …, with PlugIn of apiql.plugins"


class PlugInsRefused(FilesRefused):
    """Plug-ins that cannot be used, with every problem of every one."""


@dataclass(frozen=True, slots=True)
class PlugIns:
    """What they add: functions of texts, of Go templates (as `compile_template` takes them), and of
    `"from": "func"`; `files` are those that were read.
    """

    functions: tuple[Function, ...] = ()
    templates: Mapping[str, gotemplate.Function] = field(default_factory=dict)
    values: Mapping[str, Callable[..., str]] = field(default_factory=dict)
    count: int = 0

    def added_to(self, registry: Registry) -> Registry:
        """The registry with their functions."""
        return Registry.of(*registry.functions.values(), *self.functions)


NO_PLUG_INS = PlugIns()


def plug_in_paths(conf: Path | None, named: Named) -> Mapping[str, Path]:
    """The files of the plug-ins that are named, by their names."""
    folder = Path(named.folder) if named.folder is not None else (conf or Path()) / FOLDER
    return {name: folder / f"{name}{SUFFIX}" for name in named.files}


def left_alone(conf: Path | None, named: Named) -> Iterator[Path]:
    """Files that look like plug-ins, and are not loaded because nothing names them."""
    paths = set(plug_in_paths(conf, named).values())
    folder = Path(named.folder) if named.folder is not None else (conf or Path()) / FOLDER
    if conf is not None or named.folder is not None:
        yield from (path for path in sorted(folder.glob(f"*{SUFFIX}")) if path not in paths)


def read_plug_ins(conf: Path | None, named: Named, standard: Registry) -> PlugIns:
    """What the named plug-ins add to the standard functions.

    Raises:
        PlugInsRefused: any of them cannot be used.
    """
    if not named.files and not named.entry_points:
        return NO_PLUG_INS
    merging, problems = Merging(standard), list[FileProblem]()
    loads = [partial(_of_file, name, path) for name, path in plug_in_paths(conf, named).items()]
    loads += [partial(_of_entry_point, name) for name in named.entry_points]
    for load in loads:
        try:
            plug_in, file = load()
        except _Wrong as wrong:
            problems.append(wrong.problem)
            continue
        problems += merging.take(plug_in, file)
    if problems:
        raise PlugInsRefused(tuple(problems))
    return PlugIns(tuple(merging.functions.values()), merging.templates, merging.values, len(loads))


class _Wrong(Exception):
    """A plug-in that cannot be taken."""

    def __init__(self, file: str, message: str, line: int | None = None, hint: str = "") -> None:
        at = () if line is None else (Location(line, 1),)
        self.problem = FileProblem(file, Problem(Code.VALIDATION, message, at, hint or None))


def _of_file(name: str, path: Path) -> tuple[PlugIn, str]:
    source = _text(path)
    module = ModuleType(f"apiql_plug_in.{name.replace('/', '.')}")
    module.__file__ = file = str(path)
    with_old = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # dataclasses and pickle look their module up there
    try:
        _given(partial(_run, source, file, module), file)
        register = getattr(module, ENTRY, None)
        if not callable(register):
            raise _Wrong(file, f"there is no function {ENTRY}()", hint=_EXPECTED)
        found = _plug_in(_given(register, file), file)
    except _Wrong:
        sys.modules.pop(module.__name__)
        if with_old is not None:
            sys.modules[module.__name__] = with_old
        raise
    return found, file


def _run(source: bytes, file: str, module: ModuleType) -> None:
    """Not by way of compiled files: of a source that changes twice in a second they are old."""
    exec(compile(source, file, "exec"), module.__dict__)


def _text(path: Path) -> bytes:
    """The file, unless anybody may write it: it runs with the rights of the server."""
    try:
        for each in (path.parent, path):
            if os.stat(each).st_mode & stat.S_IWOTH:
                raise _Wrong(str(path), f"anybody may write {each}", hint=f"chmod o-w {each}")
        if not path.is_file():
            raise _Wrong(str(path), "is no file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        hint = "plugins.files names files of the folder plugins, without .py"
        raise _Wrong(str(path), f"cannot be read: {error.strerror}", hint=hint) from None
    if len(data) > MOST_BYTES:
        raise _Wrong(str(path), f"is larger than {MOST_BYTES} bytes")
    return data


def _of_entry_point(name: str) -> tuple[PlugIn, str]:
    """Of an installed package: the function itself, or a module that has it."""
    shown = f"entry point {GROUP}:{name}"
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        known = sorted(entry_points(group=GROUP).names)
        hint = f"installed: {', '.join(known)}" if known else "no package has any"
        raise _Wrong(shown, "is not installed" if not found else "is there twice", hint=hint)
    loaded = _given(found[0].load, shown)
    register = getattr(loaded, ENTRY, loaded)
    if not callable(register):
        raise _Wrong(shown, f"there is no function {ENTRY}()", hint=_EXPECTED)
    return _plug_in(_given(register, shown), shown), shown


def _given(call: Callable[[], Any], file: str) -> Any:
    found = outcome(call, file)
    if isinstance(found, Broken):
        raise _Wrong(file, f"the plug-in cannot be loaded: {found.why}", found.line)
    return found


def _plug_in(found: Any, file: str) -> PlugIn:
    if not isinstance(found, PlugIn):
        raise _Wrong(file, f"{ENTRY}() gave {type(found).__name__}, no PlugIn", hint=_EXPECTED)
    return found
