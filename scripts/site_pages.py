"""The hook of mkdocs: the documents of this repository, written for GitHub, as pages of the documentation site.

README, CONTRIBUTING, CHANGELOG, the cards and the API become pages, without copies in docs/. Links between files of the
repository become links between pages. What GitHub and Python-Markdown read differently is written as the latter wants
it: comments, lists, pictures with their captions.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LOG = logging.getLogger("mkdocs.hooks.site_pages")

OPTIONAL: frozenset[str] = frozenset()
"""Pages of the navigation that may be absent; any other absent page is an error."""

DOCUMENTS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "src/repose/render/CARD.md": "cards/render.md",
    **{f"src/repose/models/{card.parent.name}/CARD.md": f"cards/{card.parent.name}.md"
       for card in sorted((ROOT / "src/repose/models").glob("*/CARD.md"))},
    **{f"weights/{card.parent.name}/CARD.md": f"cards/weights/{card.parent.name}.md"
       for card in sorted((ROOT / "weights").glob("*/CARD.md"))},
}  # fmt: skip
"""File of the repository -> page of the site, of documents outside of docs/."""

API: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "index.md": (
        "API reference",
        "For whoever calls Repose from Python. [Python](../python.md) shows the calls by task; these pages have every "
        "argument, shape, range and error.\n\n"
        "`import repose` loads no PyTorch; a name is imported when it is first used. A picture inside is float in "
        "[-1, 1], (3, height, width) or (B, 3, height, width). A picture that comes in or goes out is a path, a PIL "
        "image, a uint8 array (height, width, 3) or a tensor. Joints are (18, 3): x, y in pixels, and "
        "whether the joint is there.\n\n"
        "| you want | page |\n|---|---|\n"
        "| a photograph into another pose; a model, a scene | [Photographs and models](photographs.md) |\n"
        "| people, pairs, joints | [People](people.md) |\n"
        "| garments, clips, tuning, fonts, re-identification | [Applications](apps.md) |\n"
        "| joints, masks, parsing, IUV from photographs | [Estimators](estimate.md) |\n"
        "| pose files, skeletons, label maps, canvases | [Poses and maps](represent.md) |\n"
        "| recipes, and how a model declares itself | [Recipes and models](recipes.md) |\n"
        "| training, stores, data sets of your own | [Training and data](training.md) |\n"
        "| numbers under a protocol | [Metrics](metrics.md) |\n"
        "| rendered people | [Rendered people](render.md) |\n",
        (),
    ),
    "photographs.md": (
        "Photographs and models",
        "For photographs: one call, or a model that is loaded once and a scene that is posed many times. "
        "[Python](../python.md) begins with examples.",
        ("repose.transfer", "repose.load", "repose.read_person", "repose.pipeline.read_pose",
         "repose.pipeline.with_mask", "repose.Model", "repose.Scene", "repose.scene.Pose",
         "repose.look_inside", "repose.load_image", "repose.images.save_image",
         "repose.images.Photograph", "repose.images.ImageError"),
    ),
    "people.md": (
        "People",
        "For code that moves people about: a `Person` is a picture with its joints and maps, a `Pair` is what a model "
        "trains on. Every change of geometry changes all fields together.",
        ("repose.Person", "repose.Pair"),
    ),
    "apps.md": (
        "Applications",
        "One function for each application, all of the same form: the photograph first, then what something is taken "
        "from, everything else by name. The pages under Applications show results and failures.",
        ("repose.apps.texture", "repose.apps.tryon", "repose.apps.reconstruct", "repose.apps.video",
         "repose.apps.animate", "repose.apps.tune", "repose.apps.Tuned", "repose.apps.reid", "repose.apps.font"),
    ),
    "estimate.md": (
        "Estimators",
        "For fields of a `Person` that come from the photograph: joints, mask, parsing, IUV. "
        "[Extending](../extending.md#an-estimator) adds one of your own.",
        ("repose.estimate.estimator", "repose.estimate.ESTIMATORS", "repose.estimate.complete",
         "repose.estimate.choose", "repose.estimate.Detection", "repose.estimate.KeypointEstimator",
         "repose.estimate.MaskEstimator", "repose.estimate.ParsingEstimator", "repose.estimate.IUVEstimator",
         "repose.estimate.ExtraKeypointEstimator", "repose.estimate.NobodyFound",
         "repose.estimate.MissingFieldError", "repose.estimate.many.estimate_folder",
         "repose.estimate.field_files.FieldFolder"),
    ),
    "represent.md": (
        "Poses and maps",
        "For pose files, pictures of skeletons, label maps and IUV, and for the canvases that models work on. "
        "[Pose files](../pose-files.md) and [Parsing and IUV files](../parsing-files.md) list the formats.",
        ("repose.represent.pose_files.read_pose_file", "repose.represent.pose_files.write_keypoints",
         "repose.represent.keypoints.heatmaps", "repose.represent.keypoints.pose_maps",
         "repose.represent.keypoints.draw_skeleton", "repose.represent.keypoints.from_skeleton",
         "repose.represent.keypoints.to_skeleton", "repose.represent.maps.with_maps",
         "repose.represent.parsing_files.read_parsing", "repose.represent.iuv_files.read_iuv",
         "repose.represent.retarget.retarget", "repose.represent.canvas.Canvas",
         "repose.represent.canvas.canvas"),
    ),
    "recipes.md": (
        "Recipes and models",
        "A recipe is the typed description of a run. `repose.recipe(\"patn-s\")` gives one, and a model's declaration "
        "says which recipes it has.",
        ("repose.recipe", "repose.models.read_recipe", "repose.recipes.override", "repose.recipes.Recipe",
         "repose.recipes.DataConfig", "repose.recipes.OptimiserConfig", "repose.recipes.ScheduleConfig",
         "repose.models.register", "repose.models.ModelDeclaration", "repose.models.base.Generator",
         "repose.models.base.Needs", "repose.models.base.Output", "repose.models.base.Objective"),
    ),
    "training.md": (
        "Training and data",
        "For training from Python and for stores: what `repose train` and `repose prepare` call. "
        "[Training](../training.md) goes from data to weights.",
        ("repose.train.loop.train", "repose.data.Store", "repose.data.StoreWriter", "repose.data.Report",
         "repose.data.folder.prepare_folder", "repose.data.DataSet"),
    ),
    "metrics.md": (
        "Metrics",
        "For numbers under a named protocol, and for the plain functions behind them. [Protocols](../protocols.md) "
        "says what each protocol fixes.",
        ("repose.metrics.evaluate.evaluate", "repose.metrics.evaluate_folder", "repose.metrics.protocol",
         "repose.metrics.Protocol", "repose.metrics.EvaluationSettings", "repose.metrics.Evaluation",
         "repose.metrics.functional.ssim.ssim", "repose.metrics.functional.ssim.ms_ssim", "repose.metrics.psnr",
         "repose.metrics.l1", "repose.metrics.functional.pckh.pckh", "repose.metrics.frechet", "repose.metrics.kid",
         "repose.metrics.inception_score", "repose.metrics.network_metric"),
    ),
    "render.md": (
        "Rendered people",
        "For pictures of people that nobody photographed, with their exact labels. [Rendered people](../people.md) "
        "shows them.",
        ("repose.render.people.render_person", "repose.render.people.render_people", "repose.render.Picture",
         "repose.render.stream.open_stream", "repose.render.dataset.Synthetic",
         "repose.render.dataset.prepare_synthetic", "repose.render.SyntheticUnavailable"),
    ),
}  # fmt: skip
"""Page of the API -> title, first paragraph, what it documents."""

LINK = re.compile(r"(?P<text>\[[\w./-]+\.md\]|\])\((?P<path>[^)#\s]+)(?P<rest>#[^)\s]*)?\)")
FENCE = re.compile(r"^ *(?P<marks>`{3,}|~{3,})")
ITEM = re.compile(r"^(?P<indent> *)(?P<mark>[-*+]|\d+[.)])(?P<space> +)(?=\S)")
PICTURE = re.compile(r"^!\[(?P<alt>[^\]]+)\]\((?P<path>[^)\s]+)\)\n+\*(?P<caption>[^*\n](?:[^*]|\n(?!\n))*)\*$", re.M)


# -- what mkdocs calls -----------------------------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave pages out of the navigation that may be absent and are."""
    config.nav = _present(config.nav or [], Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents outside of docs/ and the pages of the API."""
    for path, page in DOCUMENTS.items():
        if (ROOT / path).exists():
            files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    for name, (title, about, names) in API.items():
        text = f"# {title}\n\n{about}\n\n" + "".join(f"::: {name}\n\n" for name in names)
        files.append(File.generated(config, f"api/{name}", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a document as Python-Markdown wants it, with links between pages."""
    return for_site(markdown, page.file.src_uri)


# -- the text --------------------------------------------------------------------------------------------------------


def for_site(markdown: str, page: str) -> str:
    """The text of the page `page` (its place in the site): links, comments, lists and pictures are changed."""
    parts = []
    for code, text in _code_apart(markdown):
        parts.append(text if code else _figures(_linked(_without_comments(text), page)))
    return _lists("".join(parts))


def _code_apart(markdown: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces: whether each is a fenced block, and its lines."""
    lines, end = [], ""
    for line in markdown.splitlines(keepends=True):
        fence = FENCE.match(line)
        if end:
            lines.append(line)
            if fence and fence["marks"].startswith(end) and not line.strip().strip(end[0]):
                yield True, "".join(lines)
                lines, end = [], ""
        elif fence:
            yield False, "".join(lines)
            lines, end = [line], fence["marks"]
        else:
            lines.append(line)
    yield bool(end), "".join(lines)


def _without_comments(text: str) -> str:
    """Marks such as `<!-- runs -->` and `<!-- table: x -->` are for tools, not for readers."""
    return re.sub(r"^[ ]*<!--.*?-->[ ]*$", "", text, flags=re.M | re.S)


def _linked(text: str, page: str) -> str:
    """Links between files of the repository as links between pages of the site."""
    origin = _file_of(page)

    def replaced(link: re.Match[str]) -> str:
        path = link["path"]
        if "://" in path or path.startswith(("mailto:", "/")):
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        found = DOCUMENTS.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if found is None:
            return link[0]
        text = link["text"] if link["text"] == "]" else f"[{_title(target)}]"
        return f"{text}({posixpath.relpath(found, posixpath.dirname(page) or '.')}{link['rest'] or ''})"

    return LINK.sub(replaced, text)


@cache
def _title(document: str) -> str:
    """The heading of a document, which a link shows in place of the file's name."""
    path = ROOT / document
    first = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else document
    return first.removeprefix("# ")


def _file_of(page: str) -> str:
    """The file of the repository that a page of the site is made of."""
    return next((path for path, name in DOCUMENTS.items() if name == page), f"docs/{page}")


def _figures(text: str) -> str:
    """A picture with a caption below it, in emphasis, is a figure. A click shows the picture in its full size."""

    def figure(picture: re.Match[str]) -> str:
        caption = " ".join(picture["caption"].split())
        return (
            f'<figure markdown="block">\n\n[![{picture["alt"]}]({picture["path"]})]({picture["path"]})\n\n'
            f'<figcaption markdown="span">{caption}</figcaption>\n\n</figure>'
        )

    return PICTURE.sub(figure, text)


def _lists(text: str) -> str:
    """Lists as Python-Markdown reads them: an empty line before, and four columns for each level."""
    lines: list[str] = []
    columns: list[int] = []  # where the text of each open item begins
    fence, before = "", ""
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if not stripped:
            lines.append("")
            before = ""
            continue
        item, marks = (None, None) if fence else (ITEM.match(line), FENCE.match(line))
        if not fence:
            starts = item is not None or marks is not None or not before or stripped.startswith(("#", "|"))
            while columns and indent < columns[-1] and starts:
                columns.pop()
        level = len(columns)
        column = columns[-1] if columns else 0
        if item is not None:
            if before and not columns and not ITEM.match(before):
                lines.append("")
            lines.append(" " * (4 * level) + item["mark"] + " " + line[item.end() :])
            columns.append(item.end())
        else:
            lines.append(" " * (4 * level + max(indent - column, 0)) + stripped)
        if marks is not None:
            fence = marks["marks"]
        elif fence and (end := FENCE.match(line)) and end["marks"].startswith(fence) and not stripped.strip(fence[0]):
            fence = ""
        before = line
    return "\n".join(lines) + "\n"


# -- the navigation --------------------------------------------------------------------------------------------------


def _present(entries: list[Any], docs: Path) -> list[Any]:
    """The entries of the navigation without the optional pages that are absent."""
    kept: list[Any] = []
    for entry in entries:
        title, what = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(what, list):
            kept.append({title: _present(what, docs)})
        elif what in OPTIONAL and not _exists(what, docs):
            LOG.info("the navigation leaves out %s, which is not there", what)
        else:
            kept.append(entry)
    return kept


def _exists(page: str, docs: Path) -> bool:
    return (docs / page).exists() or any(name == page and (ROOT / path).exists() for path, name in DOCUMENTS.items())
