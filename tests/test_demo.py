"""The demo's picture, with people from the renderer and, where nothing can be rendered, from files."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose import demo, render
from repose.models import weights
from repose.render import SyntheticUnavailable, create_context
from repose.represent.pose_files import read_pose_file
from tests import tiny


@pytest.fixture(autouse=True)
def default(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model as the default weights, and three people."""
    place = tmp_path_factory.mktemp("weights")
    tiny.save(place / weights.DEFAULT)
    monkeypatch.setattr("repose.weight_places.places", lambda: [place])
    monkeypatch.setattr(demo, "PEOPLE", 3)


@pytest.fixture
def renderer() -> None:
    try:
        create_context().release()
    except SyntheticUnavailable as error:
        pytest.skip(str(error))


def nothing_renders(*words: object, **named: object) -> object:
    raise SyntheticUnavailable("no off-screen OpenGL here")


def test_rendered_and_from_files_alike(renderer: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = demo.make_demo(tmp_path / "rendered.png", seed=7)
    assert text == f"{tmp_path / 'rendered.png'}: 3 rendered people in new poses, by {weights.DEFAULT}"
    rendered = np.asarray(PIL.Image.open(tmp_path / "rendered.png"))
    assert rendered.shape[1] >= 4 * 2 * 64
    assert rendered.shape[0] >= 3 * 2 * 128
    assert rendered.shape[0] < 4 * 2 * 128

    monkeypatch.setattr(demo, "SPARE", tmp_path / "spare")
    demo.write_spare(seed=7)
    assert len(list((tmp_path / "spare").glob("*.png"))) == 6
    monkeypatch.setattr(render, "render_people", nothing_renders)
    text = demo.make_demo(tmp_path / "spare.png", seed=7)
    assert "from files: no off-screen OpenGL here" in text
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "spare.png")), rendered)


def test_other_seeds_are_other_people(renderer: None, tmp_path: Path) -> None:
    for seed in (7, 8):
        demo.make_demo(tmp_path / f"{seed}.png", seed)
    one, other = (np.asarray(PIL.Image.open(tmp_path / f"{seed}.png")).astype(int) for seed in (7, 8))
    assert np.abs(one - other).mean() > 5


def test_the_spare_files_are_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not demo.SPARE.is_dir():
        pytest.skip(f"{demo.SPARE.name}/ is not written yet: repose.demo.write_spare")
    monkeypatch.setattr(render, "render_people", nothing_renders)
    assert "from files" in demo.make_demo(tmp_path / "demo.png", seed=7)
    assert (tmp_path / "demo.png").exists()


def test_photographs_to_try_things_on(renderer: None, tmp_path: Path) -> None:
    """Pictures, joints and label maps agree; the folder is one that `repose prepare folder` takes."""
    text = demo.write_photographs(tmp_path, seed=7)
    assert text == f"{tmp_path}: 12 pictures of 4 rendered people, with their joints"
    poses = read_pose_file(tmp_path / "people" / "keypoints.json").poses
    photographs = sorted((tmp_path / "people").glob("*/*.jpg"))
    assert [path.name for path in photographs] == sorted(poses)
    assert {path.parent.name for path in photographs} == {"alex", "kim", "lou", "sam"}
    for path in photographs:
        with PIL.Image.open(tmp_path / "labels" / f"{path.stem}.png") as labels, PIL.Image.open(path) as picture:
            assert labels.size == picture.size == (264, 384)
            shown = np.asarray(labels) > 0
        for x, y, there in poses[path.name].keypoints.tolist():
            assert not there or (0 <= x < 264 and 0 <= y < 384)
        nose = poses[path.name].keypoints[0]
        assert nose[2] == 0 or shown[int(nose[1]), int(nose[0])], path.name


def test_photographs_where_nothing_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "render_people", nothing_renders)
    text = demo.write_photographs(tmp_path, seed=7)
    assert "without label maps: no off-screen OpenGL here" in text
    assert (
        len(list((tmp_path / "people").glob("*/*.jpg")))
        == len(read_pose_file(tmp_path / "people" / "keypoints.json").poses)
        == 12
    )
    assert not (tmp_path / "labels").exists()
