"""What it takes to run a table of a paper again: data, runs, commands, and what cannot be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class DataSet:
    """A data set of the papers.

    Attributes:
        store: where the commands pack it.
        prepare: the command that does.
        needs: what has to be there before.
    """

    store: str
    prepare: str
    needs: str


@dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        recipe: its name.
        rows: the methods of the paper's table that it repeats, as `repose.metrics.published_rows` names them.
        settings: changes of the recipe, "network.blocks=5".
        name: of its folder below runs/; the recipe's name where it is empty.
        options: further options of `repose train`.
    """

    recipe: str
    rows: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    name: str = ""
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """runs/NAME."""
        return f"runs/{self.name or self.recipe}"

    def command(self, data: DataSet) -> str:
        """The line that trains it, and after an interruption continues."""
        words = ("repose train", self.recipe, *self.settings, "--data", data.store, "-o", self.folder, *self.options)
        return " ".join(words)


@dataclass(frozen=True)
class Measurement:
    """Runs on one data set that are measured in one table.

    Attributes:
        data: key of `DATA`.
        protocol: name@version.
        runs: of the rows of the paper that are repeated; the other rows are of other people's systems.
        choose: the metric by which the best snapshot of each run is chosen on validation people, "" for none.
    """

    data: str
    protocol: str
    runs: tuple[Run, ...]
    choose: str = ""

    def commands(self, report: str) -> Iterator[str]:
        """The lines that train and measure.

        Args:
            report: path of the report without its ending.
        """
        data = DATA[self.data]
        for run in self.runs:
            yield run.command(data)
            if self.choose:
                yield (
                    f"repose eval {run.folder}/snapshots/* --data {data.store} -p {self.protocol} --split val "
                    f"--choose {self.choose}"
                )
        folders = " ".join(run.folder for run in self.runs)
        yield f"repose eval {folders} --data {data.store} -p {self.protocol} --report {report}.md --report {report}.tex"


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper, or two that are repeated together.

    Attributes:
        paper: key of `repose.metrics.published_rows.PAPERS`.
        numbers: of the tables.
        title: what it shows.
        measurements: runs that are trained and measured under a protocol.
        commands: further lines, in their order, after those of the measurements.
        needs: what they need besides data and a GPU; "" for nothing.
        missing: what cannot be repeated, and why; "" if nothing.
        page: the page of docs/ that says more, "" for none.
    """

    paper: str
    numbers: tuple[int, ...]
    title: str
    measurements: tuple[Measurement, ...] = ()
    commands: tuple[str, ...] = ()
    needs: str = ""
    missing: str = ""
    page: str = field(default="")

    @property
    def heading(self) -> str:
        """ "Table 1: comparison"."""
        numbers = " and ".join(str(number) for number in self.numbers)
        return f"Table{'s' * (len(self.numbers) > 1)} {numbers}: {self.title}"

    def lines(self) -> list[str]:
        """Every command, in the order in which they are given."""
        name = f"{self.paper}-table-{'-'.join(map(str, self.numbers))}"
        trained = [
            line
            for one in self.measurements
            for line in one.commands(f"out/{name}" + (f"-{one.data}" if len(self.measurements) > 1 else ""))
        ]
        return [*trained, *self.commands]


_FOLDER: Final = "from the data set's authors, who give the password of its zip files, with the lists and CSVs of PATN"

DATA: Final[dict[str, DataSet]] = {
    "market1501": DataSet(
        "data/market1501",
        "repose prepare market1501 Market-1501-v15.09.15 -o data/market1501",
        "Market-1501 in its original layout, with the CSV files of PATN",
    ),
    "deepfashion": DataSet(
        "data/deepfashion",
        "repose prepare deepfashion fashion_data -o data/deepfashion",
        f"DeepFashion {_FOLDER}",
    ),
    "deepfashion-parsing": DataSet(
        "data/deepfashion-parsing",
        "repose prepare deepfashion fashion_data -o data/deepfashion-parsing",
        f"DeepFashion {_FOLDER}, and PINet's parsing maps in `trainSPL8/` and `testSPL8/` (or maps of LIP's labels, "
        "`--parsing FOLDER`)",
    ),
    "deepfashion-iuv": DataSet(
        "data/deepfashion-iuv",
        "repose prepare deepfashion fashion_data --iuv densepose -o data/deepfashion-iuv",
        f"DeepFashion {_FOLDER}, and DensePose's files of all pictures, `NAME_IUV.png`",
    ),
    "mvc": DataSet(
        "data/mvc",
        "repose prepare mvc MVC --fields iuv -o data/mvc",
        "the photographs of MVC; IUV is estimated, as DensePose's files of them are not published",
    ),
    "human36m": DataSet(
        "data/human36m",
        "repose prepare human36m h36m -o data/human36m",
        "the videos of Human3.6M, from its authors after an agreement",
    ),
}
"""The data sets of the papers."""
