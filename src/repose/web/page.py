"""The page: a `gradio.Blocks` with the pose editor (`files/editor.*`) and the controls beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import gradio

from repose.web.arranging import pose_names
from repose.web.clips import FORMATS, motion_names
from repose.web.posing import Models

_FILES: Final = Path(__file__).parent / "files"

_BACKGROUNDS: Final = [
    ("Keep", "keep"), ("White", "white"), ("Transparent", "transparent"), ("Generated", "generated"),
    ("A picture …", "picture"),
]  # fmt: skip

_HEADER: Final = """<header class="rp-head"><h1>Repose</h1>
<p>Drag a joint, and the person of the photograph takes that pose.</p></header>"""


def page(models: Models) -> Any:
    """The page, a `gradio.Blocks`; its editor calls the routes of `repose.web.live` at `live/`."""
    with gradio.Blocks(title="Repose", analytics_enabled=False) as blocks:
        gradio.HTML(_HEADER, elem_classes="rp-plain")
        with gradio.Row(equal_height=False):
            with gradio.Column(scale=7, min_width=320):
                gradio.HTML(
                    html_template=_text("editor.html"),
                    js_on_load=_text("editor.js"),
                    elem_id="repose",
                    elem_classes="rp-plain",
                )
            with gradio.Column(scale=4, min_width=300):
                _pose_controls()
                _picture_controls(models)
                _file_controls()
    return blocks


def style() -> dict[str, Any]:
    """How the page looks, as `gradio.mount_gradio_app` takes it: fonts of the visitor's own system, nothing fetched."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
    theme = gradio.themes.Base(
        primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=fonts, font_mono=["ui-monospace", "monospace"]
    )
    theme.set(
        button_secondary_background_fill="*background_fill_primary",
        button_secondary_border_color="*border_color_primary",
        button_secondary_background_fill_hover="*background_fill_secondary",
        button_border_width="1px",
        button_secondary_background_fill_dark="*neutral_800", button_secondary_text_color="*body_text_color",
        checkbox_label_background_fill="*background_fill_secondary", block_label_text_size="*text_sm",
    )  # fmt: skip
    # Gradio lets `css` reach what lies inside its components alone, so that rules of the page around go to the head
    return {"theme": theme, "css": _text("editor.css"), "head": f"<style>{_text('page.css')}</style>"}


# -- inside -----------------------------------------------------------------------------------------------------------


def _pose_controls() -> None:
    with gradio.Column(elem_classes="rp-card"):
        gradio.Markdown("### Pose")
        named = gradio.Dropdown(
            pose_names(), value=None, label="A named pose", info="Type to search: arms up, sitting, kicking …",
            allow_custom_value=True,  # or a name that is not in the list would be taken back without a word
        )  # fmt: skip
        named.input(None, named, None, js="(name) => { window.repose.named(name); }")
        given = gradio.Button("Pose of another photograph or file …")
        given.click(None, None, None, js="() => { window.repose.poseFile(); }")


def _picture_controls(models: Models) -> None:
    with gradio.Column(elem_classes="rp-card"):
        gradio.Markdown("### Picture")
        background = gradio.Radio(_BACKGROUNDS, value="keep", label="Background")
        background.input(None, background, None, js="(name) => { window.repose.background(name); }")
        if len(models.names) > 1:
            chosen = gradio.Dropdown(list(models.names), value=models.names[0], label="Model")
            chosen.input(None, chosen, None, js="(name) => { window.repose.model(name); }")
            beside = gradio.CheckboxGroup(list(models.names), label="Compare side by side")
            beside.input(None, beside, None, js="(names) => { window.repose.compare(names); }")


def _file_controls() -> None:
    with gradio.Column(elem_classes="rp-card"):
        gradio.Markdown("### Download")
        with gradio.Row():
            for label, what in (("Picture", "picture"), ("Pose file", "pose"), ("Skeleton", "skeleton")):
                button = gradio.Button(label, min_width=90, variant="primary" if what == "picture" else "secondary")
                button.click(None, None, None, js=f"() => {{ window.repose.save('{what}', '{what}'); }}")
        motion = gradio.Dropdown(["to my pose", *motion_names()], value="to my pose", label="Animation")
        ending = gradio.Radio(list(FORMATS), value="gif", label="As")
        button = gradio.Button("Download the animation")
        button.click(None, [motion, ending], None, js="(motion, ending) => { window.repose.animate(motion, ending); }")


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


__all__ = ["page", "style"]
