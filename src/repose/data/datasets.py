"""What a data set declares, once for Python and for `repose prepare`: its settings and the function that packs it.

```python
@dataclass(frozen=True)
class Market1501:
    folder: Annotated[Path, Setting("The folder of the data set.")]                          # FOLDER: no default
    validation: Annotated[int, Setting("Training people held out.", least=0)] = 30           # --validation


def prepare_market1501(
    settings: Market1501, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report: ...


MARKET1501 = DataSet(Market1501, prepare_market1501, about="Market-1501 in its original layout.")
```

`repose.cli.data_sets` has the table of all data sets; docs/extending.md says step by step how to add one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Protocol, TypeVar, get_args, get_origin, get_type_hints

from repose.data.store import Report

ProgressFunction = Callable[[int, int], None]
"""Called with (records done, records in all) while a store is written; records of an interrupted run are done."""


@dataclass(frozen=True)
class Setting:
    """What the command says of one field of the settings: `field: Annotated[type, Setting(...)] = default`.

    A field without a default is a positional argument of the command, any other an option. The types are int, float,
    str, bool, Path, tuple[int, int] (HEIGHTxWIDTH), each also with `| None`, and tuple[Path, ...], of a field without a
    default (PLACES...).

    Attributes:
        help: one line.
        flag: of the command, where it is not the field's name: "--set".
        least, most: limits of a number.
    """

    help: str
    flag: str = ""
    least: int | None = None
    most: int | None = None


S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Prepare(Protocol[S_contra]):
    """The function behind every data set."""

    def __call__(
        self, settings: S_contra, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
    ) -> Report:
        """Pack a data set into a store.

        Args:
            settings: of the data set. out: folder of the store; must not hold one.
            progress: called after every record. An interrupted run leaves its records, and the same call goes on
                after them.
            fresh: delete what an interrupted run left, and begin anew.

        Raises:
            FileNotFoundError, ValueError: the data set or the settings cannot be used; the text says why.
            FileExistsError, OSError: as `StoreWriter`.
        """


@dataclass(frozen=True)
class DataSet(Generic[S]):
    """A data set that can be packed into a store.

    Attributes:
        settings: a frozen dataclass, whose fields are `Annotated` with a `Setting`.
        prepare: packs it; see `Prepare`.
        about: what the command's help says of it.
        examples: command lines for the help, without "repose prepare".
        title: the settings -> a short name: of the store's folder below data/ where none is given.
        announce: the settings -> one line that says before the start what will be written; None for no line.
    """

    settings: type[S]
    prepare: Prepare[S]
    about: str
    title: Callable[[S], str]
    examples: tuple[str, ...] = ()
    announce: Callable[[S], str] | None = None

    def fields(self) -> list[tuple[dataclasses.Field[Any], Any, Setting]]:
        """(field, its type, what the command says of it) of every setting.

        Raises:
            TypeError: a field is not `Annotated` with a `Setting`.
        """
        hints = get_type_hints(self.settings, include_extras=True)
        declared = []
        for field in dataclasses.fields(self.settings):  # type: ignore[arg-type]
            hint = hints[field.name]
            kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            settings = [note for note in notes if isinstance(note, Setting)]
            if len(settings) != 1:
                raise TypeError(f"{self.settings.__name__}.{field.name}: Annotated[{hint}, Setting(...)] is needed")
            declared.append((field, kind, settings[0]))
        return declared
