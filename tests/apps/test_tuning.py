"""`repose.apps.tune`: pictures of one person -> weights; held out, resumed, refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.apps import tune
from repose.apps.tuning import person_recipe
from repose.models import build_generator, recipe
from repose.models.weights import load_generator, save_weights
from repose.pipeline import load
from tests import tiny
from tests.data import people


@pytest.fixture(autouse=True)
def _eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    people.seeing(monkeypatch)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    made = tiny.recipe("carry-s", "data.both_directions=true")
    torch.manual_seed(0)
    save_weights(tmp_path / "base", build_generator(made), made, {"licence": "none", "data": "noise"})
    return tmp_path / "base"


def photographs(folder: Path, count: int = 8) -> Path:
    """Of somebody at several places."""
    for number in range(count):
        people.save(folder / f"{number}.png", {"red": (30 + 12 * number, 20, 200)})
    return folder


def run(source: Path, out: Path, base: Path, **settings: object):
    return tune(source, out, model=base, **{"images": 8, **settings})  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.*not better than before")
def test_photographs_give_weights_measured_on_what_was_held_out(tmp_path: Path, base: Path) -> None:
    done = run(photographs(tmp_path / "me"), tmp_path / "mine", base)
    assert done.pictures == {"train": 6, "test": 2}
    assert set(done.before) == set(done.after)
    assert {"ssim", "mask_ssim"} <= set(done.after)
    assert done.before != done.after, "the weights changed"
    assert done.sheet is not None
    assert done.sheet.exists()
    lines = json.loads((tmp_path / "mine" / "held-out.json").read_text())
    assert lines["after"]["model"] == "mine"
    assert not (tmp_path / "mine" / "tuning").exists(), "no optimiser and no photograph stays"
    assert load(tmp_path / "mine").recipe.name == "carry-s-mine"
    before, _ = load_generator(base)
    after, _ = load_generator(tmp_path / "mine")
    changed = [name for name, value in after.state_dict().items() if not torch.equal(value, before.state_dict()[name])]
    assert changed
    card = json.loads((tmp_path / "mine" / "card.json").read_text())
    assert card["begun_from"]["name"]
    assert card["tuned"]["pictures"] == {"train": 6, "test": 2}


@pytest.mark.filterwarnings("ignore:.*not better than before")
def test_of_a_video_two_stretches_are_held_out(tmp_path: Path, base: Path) -> None:
    frames = [people.draw(240, 320, {"red": (20 + 2 * k, 20, 200)}) for k in range(40)]
    people.save_video(tmp_path / "me.mp4", frames)
    done = run(tmp_path / "me.mp4", tmp_path / "mine", base, pictures=20, keep=True)
    assert done.pictures == {"train": 16, "test": 4}
    meta = json.loads((tmp_path / "mine" / "tuning" / "store" / "meta.json").read_text())
    assert [split for _, split in sorted(zip(meta["names"], meta["splits"], strict=True))] == [
        *["train"] * 8, *["test"] * 2, *["train"] * 8, *["test"] * 2
    ]  # fmt: skip


def test_all_pictures_are_for_training_where_nothing_is_held_out(tmp_path: Path, base: Path) -> None:
    done = run(photographs(tmp_path / "me"), tmp_path / "mine", base, hold_out=0)
    assert done.pictures == {"train": 8}
    assert done.after == {}
    assert done.sheet is None


def test_an_interrupted_call_goes_on(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me, out = photographs(tmp_path / "me"), tmp_path / "mine"

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("repose.apps.tuning.save_weights", killed)
        with pytest.raises(KeyboardInterrupt):
            run(me, out, base, hold_out=0)
    asked = people.Markers.asked
    with pytest.raises(ValueError, match="unfinished tuning with other settings: seed was 0, is 1"):
        run(me, out, base, hold_out=0, seed=1)
    with pytest.raises(
        ValueError, match=r"unfinished tuning with other settings: images was 8, is not set; minutes was not set, is"
    ):
        run(me, out, base, hold_out=0, images=None, minutes=30)
    run(me, out, base, hold_out=0)
    assert people.Markers.asked == asked, "the pictures are not read again"
    once = run(me, tmp_path / "once", base, hold_out=0)
    first, second = (load_generator(place)[0].state_dict() for place in (out, once.folder))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_minutes_decide_the_length(tmp_path: Path, base: Path) -> None:
    done = tune(photographs(tmp_path / "me"), tmp_path / "mine", model=base, minutes=0.08, hold_out=0)
    assert done.images >= 2
    assert done.seconds < 60


def test_what_cannot_be_tuned_on_is_refused(tmp_path: Path, base: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give a video of the person"):
        run(tmp_path / "none.mp4", tmp_path / "mine", base)
    with pytest.raises(ValueError, match="3 photographs are too few, 6 are needed"):
        run(photographs(tmp_path / "few", 3), tmp_path / "mine2", base)
    for number in range(7):
        people.save(tmp_path / "empty" / f"{number}.png", {"red": (40, 20, 200)} if number < 4 else {})
    with pytest.raises(ValueError, match="4 pictures that show the person well are too few"):
        run(tmp_path / "empty", tmp_path / "mine3", base)
    assert not (tmp_path / "mine2").exists()
    for share in (-0.1, 1.0, 2):
        with pytest.raises(ValueError, match=r"hold_out .* is a share"):
            run(photographs(tmp_path / "me"), tmp_path / "mine5", base, hold_out=share)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "thesis.txt").write_text("all of it")
    with pytest.raises(ValueError, match="there already"):
        run(photographs(tmp_path / "me"), tmp_path / "there", base)
    people.save_video(tmp_path / "me.mp4", [people.draw(240, 320, {"red": (20, 20, 200)})] * 10)
    with pytest.raises(ValueError, match=r"is a video and .* is none"):
        tune([tmp_path / "me.mp4", tmp_path / "me" / "0.png"], tmp_path / "mine4", model=base)


def test_after_too_few_pictures_the_same_call_sees_those_that_were_added(tmp_path: Path, base: Path) -> None:
    for number in range(6):
        people.save(tmp_path / "me" / f"{number}.png", {"red": (40, 20, 200)} if number < 4 else {})
    with pytest.raises(ValueError, match="4 pictures that show the person well are too few"):
        run(tmp_path / "me", tmp_path / "mine", base, hold_out=0)
    assert run(photographs(tmp_path / "me"), tmp_path / "mine", base, hold_out=0).pictures == {"train": 8}


def test_the_recipe_of_a_person_keeps_their_colours() -> None:
    tuned = person_recipe(recipe("carry-s"), "me")
    assert tuned.data.flip == "none"
    change = tuned.data.augment
    assert change.hue == change.saturation == change.temperature == 0
    assert change.jitter == recipe("carry-s").data.augment.jitter
    assert tuned.generator_optimiser.lr == recipe("carry-s").generator_optimiser.lr / 2


def test_a_loss_without_its_network_is_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    with pytest.warns(UserWarning, match="without that loss"):
        tuned = person_recipe(recipe("bodywarp-s"), "me")
    assert tuned.objective.lpips == 0


def test_numbers_of_held_out_pictures() -> None:
    from repose.data.splits import held_out

    chosen = np.array(held_out(20, 0.2))
    assert chosen.nonzero()[0].tolist() == [8, 9, 18, 19]
    assert sum(held_out(20, 0)) == 0
    assert sum(held_out(5, 0.01)) == 2, "at least one of each stretch"
    with pytest.raises(ValueError, match="leaves none"):
        held_out(4, 0.9)
