"""`repose estimate --fields`: fields of many photographs into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from repose.cli import common
from repose.cli.inputs import files_of, pictures_in
from repose.cli.outputs import require_folder, require_no_input
from repose.cli.people import numbers
from repose.cli.reporting import Report

if TYPE_CHECKING:
    from repose.estimate.field_files import FieldFolder, Record

DRAWN: Final = 8
"""Photographs on the contact sheet."""


def parse_fields(text: str) -> list[str]:
    """ "mask,iuv" -> ["mask", "iuv"]; "all" is every field that has an estimator.

    Raises:
        ValueError: no field, or a name that is none.
    """
    from repose.estimate import ESTIMATORS
    from repose.names import nearest

    known = [name for name, named in ESTIMATORS.items() if named]
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return known
    if not names:
        raise ValueError(f"--fields takes {', '.join(known)} with commas, or all")
    for name in names:
        if name not in ESTIMATORS:
            raise ValueError(f"--fields: no field is estimated that is called '{name}'; {nearest(name, known)}")
    return list(dict.fromkeys(names))


def parse_estimators(text: str, option: str = "--estimators", example: str = "mask=selfie,iuv=body") -> dict[str, str]:
    """ "mask=selfie,iuv=body" -> field and what is chosen for it. ValueError, with the option, of any other text."""
    chosen: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, mark, value = (one.strip() for one in part.partition("="))
        if not (name and mark and value) or name in chosen:
            raise ValueError(f"{option} takes FIELD=NAME with commas, such as {example}, not '{text}'")
        chosen[name] = value
    return chosen


def estimate_fields(report: Report, pictures: Sequence[Path], out: Path, fields: list[str], **settings: Any) -> None:
    """Estimate fields of photographs into the folder `out`, with a contact sheet, and fill the report.

    Args:
        settings: of `repose.estimate.many.estimate_folder`.

    Raises:
        ValueError, OSError: nothing could be done.
    """
    from repose.estimate.field_files import KEYPOINTS, FieldFolder
    from repose.estimate.field_sheet import write_field_sheet
    from repose.estimate.many import estimate_folder

    folder = FieldFolder(out)
    require_folder(out)
    require_no_input([out / KEYPOINTS, out / "sheet.png"], files_of(pictures), "another folder with -o")
    paths = [path for given in pictures for path in pictures_in(given)]
    outcomes = estimate_folder(paths, fields, out, **settings)
    report.document |= {"fields": [], "pictures": []}
    used: dict[str, str] = {}
    drawn: list[tuple[str, str]] = []
    kept = done = 0
    with common.progress_bar(speed=True) as bar:
        for outcome in bar.track(outcomes, total=len(paths), description="estimate"):
            path = Path(outcome.photograph)
            for note in outcome.notes:
                report.note(note if str(path) in note else f"{path}: {note}", path)
            with report.skipping(path, alone=len(paths) == 1):
                if outcome.record is None:
                    raise ValueError(outcome.reason)
                done, kept = done + 1, kept + (outcome.state == "kept")
                used |= {name: one.estimator for name, one in outcome.record.estimates.items()}
                report.document["pictures"].append(_entry(outcome.photograph, outcome.record, outcome.state, folder))
                for name, one in outcome.record.estimates.items():
                    if one.file:
                        report.wrote(out / one.file, name)
                if len(drawn) < DRAWN:
                    drawn.append((outcome.photograph, outcome.name))
    if not done:
        raise ValueError("no joints were found on any picture")
    report.document["fields"] = [{"name": name, "estimator": used[name]} for name in used]
    report.wrote(out / KEYPOINTS, "keypoints")
    report.wrote(write_field_sheet(folder, sorted(drawn)), "sheet")
    there = f", {kept} of them were there already" if kept else ""
    report.say(f"{out}: {', '.join(used)} of {done} photographs{there}; the first are drawn in {out / 'sheet.png'}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _entry(path: str, record: Record, state: str, folder: FieldFolder) -> dict[str, Any]:
    """What --json says of a photograph."""
    keypoints = folder.keypoints(record)
    chosen = {
        "name": record.photograph,
        "person": record.person,
        "score": record.score,
        "located": int((keypoints[:, 2] > 0).sum()),
        "keypoints": numbers(keypoints),
    }
    size = {"height": record.height, "width": record.width}
    return {"path": path, **size, "people": record.people, "kept": state == "kept", "chosen": [chosen]}
