"""A run can be killed, stopped, starved of disk or fed NaN, and loses nothing; resumed it gives the very same bits."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repose.data import Store
from repose.data.augment import AugmentConfig
from repose.locks import locked
from repose.models import build_generator, recipe_from_dict
from repose.models.weights import load_generator
from repose.person import Pair, Person
from repose.recipes import DataConfig
from repose.tensor_files import read_tensors
from repose.train import run_files
from repose.train.checkpoint import checkpoints, load_checkpoint, read_checkpoint
from repose.train.log import Log
from repose.train.loop import NotFinite, train
from repose.train.means import RunningMeans
from repose.train.moving_average import update_average
from tests.train import toy
from tests.train.runs import assert_same, last, one_thread, run_here

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("one_threaded")


@pytest.fixture(scope="module")
def unbroken(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference: a run of 800 images that nothing disturbed."""
    run = tmp_path_factory.mktemp("unbroken") / "run"
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch.utils.tensorboard", None)
        run_here(toy.recipe(images=800), store, run)
    return run


def start(store: Store, run: Path, *words: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.train.toy", str(store.folder), str(run), *words]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_killed_and_resumed_equals_unbroken(store: Store, unbroken: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(store, run, "images=800")
    random = toy.luck()
    wanted = int(random.integers(1, 7))  # which checkpoint to wait for, of 20
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        found = checkpoints(run / "checkpoints")
        if found and int(found[0].stem) >= 40 * wanted:
            break
        time.sleep(0.005)
    time.sleep(float(random.uniform(0, 0.05)))  # anywhere between two steps, or while a file is written
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = int(checkpoints(run / "checkpoints")[0].stem)
    assert 0 < killed_at < 800, "the run ended before it was killed"

    run_here(toy.recipe(images=800), store, run)
    assert lines(run)[-1]["images"] == 800
    assert [line["images"] for line in lines(run) if line["kind"] == "start"] == [0, killed_at]
    assert_same(last(run), last(unbroken))
    assert_same(read_tensors(run / "weights.safetensors")[0], read_tensors(unbroken / "weights.safetensors")[0])
    resumed = {line["images"]: line["losses"] for line in lines(run) if line["kind"] == "train"}
    for line in lines(unbroken)[1:]:
        assert resumed[line["images"]] == line["losses"]


def test_the_reference_depends_on_what_must_be_remembered(store: Store, tmp_path: Path) -> None:
    """Without this a forgotten dropout stream or pool could pass the test above."""
    half = toy.recipe(images=80)
    run_here(half, store, tmp_path / "run")
    tree = last(tmp_path / "run")
    assert len(tree["objective"]["pool._extra_state"]["held"]) == 6
    assert tree["step"] == 10
    assert not torch.equal(tree["generator"]["net.0.weight"], tree["average"]["net.0.weight"])
    assert set(tree["optimisers"]) == {"generator", "judge"}
    assert tree["generator"]["net.1.num_batches_tracked"] == 10
    again = torch.Generator().manual_seed(half.seed + 1)
    assert not torch.equal(tree["random"]["cpu"], again.get_state()), "dropout drew nothing"


def test_sigterm_saves_and_the_same_call_goes_on(
    store: Store, unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, recipe = tmp_path / "run", toy.recipe(images=800, tick=800)
    line = Log.line

    def kill(self: Log, images: int, *rest: Any) -> None:
        line(self, images, *rest)
        if images == 240:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Log, "line", kill)
    before = signal.getsignal(signal.SIGTERM)
    summary = run_here(recipe, store, run)
    assert (summary.stopped, summary.images) == ("SIGTERM", 248)  # the step after the signal is the last
    assert signal.getsignal(signal.SIGTERM) is before
    assert [path.stem for path in checkpoints(run / "checkpoints")] == ["000000248"]
    assert (run / "weights.safetensors").exists()
    assert run_here(recipe, store, run).stopped is None
    tree, wanted = last(run), last(unbroken)
    assert tree.pop("recipe") != wanted.pop("recipe")  # they differ in their tick
    assert_same(tree, wanted)


def test_a_truncated_checkpoint_falls_back_to_the_one_before(store: Store, unbroken: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_here(toy.recipe(images=120), store, run)
    newest, before = checkpoints(run / "checkpoints")
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=rf"{newest.name}.*cut off.*{before.name}"):
        run_here(toy.recipe(images=160), store, run)
    assert last(run)["images"] == 160
    assert len(checkpoints(run / "checkpoints")) == 2


def test_a_full_disk_is_a_warning_at_a_tick_and_an_error_at_the_end(store: Store, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_here(toy.recipe(images=40), store, run)
    good = read_checkpoint(checkpoints(run / "checkpoints")[0])
    size = checkpoints(run / "checkpoints")[0].stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))  # the kernel refuses to write more to any file
    try:
        with (
            pytest.warns(UserWarning, match="not saved at 80 images"),
            pytest.raises(OSError, match=r"000000120.*could not be written.*The file that was there before is kept"),
        ):
            run_here(toy.recipe(images=120), store, run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.stem for path in checkpoints(run / "checkpoints")] == ["000000040"]
    assert not list(run.rglob("*.partial"))
    assert_same(last(run), good)
    assert run_here(toy.recipe(images=120), store, run).images == 120


def test_nan_stops_the_run_and_names_everything(store: Store, tmp_path: Path) -> None:
    run = tmp_path / "run"
    recipe = toy.recipe(objective=toy.ToyObjectiveConfig(nan_at=8))
    with pytest.raises(
        NotFinite, match=r"'l1' of the phase 'generator' is nan at 56 images.*000000040.*lower learning"
    ):
        run_here(recipe, store, run)
    assert all(torch.isfinite(value).all() for value in last(run)["generator"].values())


def test_both_orders_train(store: Store, tmp_path: Path) -> None:
    for order in ("generator first", "judge first"):
        recipe = toy.recipe(objective=toy.ToyObjectiveConfig(order=order), images=400, tick=200)
        run_here(recipe, store, tmp_path / order)
        train_lines = [line for line in lines(tmp_path / order) if line["kind"] == "train"]
        first, final = train_lines[0]["losses"], train_lines[-1]["losses"]
        assert final["generator/l1"] < 0.8 * first["generator/l1"]
        assert final["judge/real"] < first["judge/real"]
        assert next(iter(first)).startswith(order.split()[0])
    one, other = (last(tmp_path / order)["generator"]["net.0.weight"] for order in ("generator first", "judge first"))
    assert not torch.equal(one, other)


def test_only_the_modules_of_a_phase_move(store: Store, tmp_path: Path) -> None:
    """The discriminator of a run without discriminator steps stays as it was born."""

    class OnlyGenerator(toy.ToyObjective):
        def phases(self, progress: Any) -> Any:
            return super().phases(progress)[:1]

    recipe = toy.recipe(images=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy, "ToyObjective", OnlyGenerator)
        run_here(recipe, store, tmp_path / "run")
    torch.manual_seed(recipe.seed)
    generator, objective = build_generator(recipe), toy.ToyObjective(recipe.objective)
    tree = last(tmp_path / "run")
    for name, value in objective.networks.state_dict().items():
        assert torch.equal(tree["objective"][f"networks.{name}"], value)
    assert not torch.equal(tree["generator"]["net.0.weight"], generator.state_dict()["net.0.weight"])


def test_two_processes_give_the_losses_of_one(store: Store, tmp_path: Path) -> None:
    words = ["images=40", "tick=10", "network.norm=instance", "network.dropout=0.0", "objective.pool=0", "clip=0.1"]
    process = start(store, tmp_path / "two", *words, "devices=2")
    toy.main([str(store.folder), str(tmp_path / "one"), *words])
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, out + error
    one, two = (
        [line["losses"] for line in lines(tmp_path / name) if line["kind"] == "train"] for name in ("one", "two")
    )
    assert len(one) == len(two) == 5
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, abs=1e-5)
    assert [line["processes"] for line in lines(tmp_path / "two") if line["kind"] == "start"] == [2]
    single, double = last(tmp_path / "one")["generator"], last(tmp_path / "two")["generator"]
    for name in single.keys() - {"net.0.bias"}:  # the norm behind it takes its gradient away, and Adam scales up noise
        torch.testing.assert_close(single[name], double[name], rtol=0, atol=1e-4)


def test_what_a_run_leaves_behind(store: Store, unbroken: Path) -> None:
    generator, recipe = load_generator(unbroken)
    assert recipe == toy.recipe(images=800)
    tree = last(unbroken)
    assert_same(dict(generator.state_dict()), tree["average"])
    assert not generator.training
    header = lines(unbroken)[0]
    assert header["data_checksum"] == store.checksum
    assert recipe_from_dict(header["recipe"]) == recipe
    assert {"seed", "commit", "hardware", "parameters", "threads"} <= header.keys()
    line = lines(unbroken)[-1]
    assert line["rates"].keys() == {"generator", "judge"}
    assert line["losses"].keys() == {
        *("generator/l1", "generator/fool", "generator/gradient norm"),
        *("judge/real", "judge/generated", "judge/gradient norm"),
    }
    card = json.loads((unbroken / "card.json").read_text())
    assert (card["images"], card["licence"], card["weights"]) == (800, "CC0-1.0", "moving average")
    pages = sorted((unbroken / "sheets").glob("*.png"))
    assert [int(page.stem) for page in pages] == list(range(40, 801, 40))
    first, final = (np.asarray(Image.open(page)).astype(int) for page in (pages[0], pages[-1]))
    assert first.shape == final.shape
    changed = np.abs(first - final).sum(axis=(0, 2)).nonzero()[0]
    assert changed.min() > first.shape[1] / 2, "only the generated column, the third, differs between ticks"
    assert changed.max() < first.shape[1] * 3 / 4 + 8


def test_the_last_snapshots_stay(store: Store, unbroken: Path, tmp_path: Path) -> None:
    """Of every tick the averaged weights, the last three ones; a run of fewer images leaves those of its own end."""
    made = toy.recipe(images=800)
    run_here(made, store, tmp_path / "run", snapshots=3)
    kept = sorted((tmp_path / "run" / "snapshots").iterdir())
    assert [int(place.name) for place in kept] == [800 - 2 * made.tick, 800 - made.tick, 800]
    finals = [load_generator(place)[0].state_dict() for place in (kept[-1], unbroken)]
    assert_same(*finals)
    earlier = load_generator(kept[0])[0].state_dict()
    assert any(not torch.equal(earlier[name], finals[0][name]) for name in earlier)
    assert json.loads((kept[0] / "card.json").read_text())["images"] == int(kept[0].name)


def test_snapshots_every_so_many_iterations(store: Store, unbroken: Path, tmp_path: Path) -> None:
    """As Roy et al. keep theirs: counted in steps of 8 pictures, ticks or not; the run itself stays the same."""
    made = toy.recipe(images=800, tick=400)
    run_here(made, store, tmp_path / "run", snapshots=4, snapshot_every=15)
    kept = sorted((tmp_path / "run" / "snapshots").iterdir())
    assert [int(place.name) for place in kept] == [8 * step for step in (45, 60, 75, 90)]
    assert_same(*(load_generator(place)[0].state_dict() for place in (tmp_path / "run", unbroken)))
    with pytest.raises(ValueError, match="how many of them stay"):
        run_here(made, store, tmp_path / "other", snapshot_every=15)


def test_a_snapshot_is_whole_or_absent(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk nothing half stays, and no whole one goes for it; what a kill left behind goes."""
    save, run = run_files.save_weights, tmp_path / "run"

    def full(folder: Path, *rest: Any, **more: Any) -> Any:
        if folder.parent.name == "snapshots" and int(folder.name) > 64:
            folder.mkdir(parents=True)
            raise OSError(28, "No space left on device")
        return save(folder, *rest, **more)

    (run / "snapshots" / "000000010").mkdir(parents=True)
    monkeypatch.setattr(run_files, "save_weights", full)
    with pytest.warns(UserWarning, match="No space left"), pytest.raises(OSError, match="No space left"):
        run_here(toy.recipe(images=160, tick=32), store, run, snapshots=3)
    assert [place.name for place in sorted((run / "snapshots").iterdir())] == ["000000032", "000000064"]
    assert all((place / "card.json").exists() for place in (run / "snapshots").iterdir())


def test_overfit_learns_its_batch(store: Store, tmp_path: Path) -> None:
    steady = replace(toy.recipe().schedule, kind="constant")
    recipe = toy.recipe(images=400, tick=200, network=toy.ToyConfig(width=16, dropout=0.0), schedule=steady)
    run_here(recipe, store, tmp_path / "run", overfit=1)
    losses = [line["losses"]["generator/l1"] for line in lines(tmp_path / "run")[1:]]
    assert losses[-1] < 0.5 * losses[0]


def test_changed_pairs_are_the_same_after_a_resume_and_contact_sheets_show_them_as_they_are(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataConfig(batch=4, flip="mirror", both_directions=True, augment=AugmentConfig(scale=0.2, noise=0.5))
    shown: list[Pair] = []
    monkeypatch.setattr("repose.train.run_files.draw_sheet", lambda state, pair, path: shown.append(pair))
    run_here(toy.recipe(images=80, data=data), store, tmp_path / "whole")
    plain = len(shown)
    run_here(toy.recipe(images=80), store, tmp_path / "plain")
    assert torch.equal(shown[0].source.image, shown[plain].source.image)  # type: ignore[arg-type]
    constant = replace(toy.recipe().schedule, kind="constant")  # it depends on the length of the run otherwise
    for name, lengths in (("one", (80,)), ("two", (40, 80))):
        for images in lengths:
            run_here(toy.recipe(images=images, data=data, schedule=constant), store, tmp_path / name)
    assert_same(last(tmp_path / "one"), last(tmp_path / "two"))
    assert not torch.equal(
        last(tmp_path / "plain")["generator"]["net.0.weight"], last(tmp_path / "whole")["generator"]["net.0.weight"]
    )


def test_a_run_of_an_earlier_version_goes_on(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its recipe lacks the settings that came later."""
    run_here(toy.recipe(images=40), store, tmp_path / "run")
    found = load_checkpoint(tmp_path / "run" / "checkpoints")
    assert found is not None
    del found[1]["recipe"]["data"]["augment"]
    monkeypatch.setattr("repose.train.start.load_checkpoint", lambda folder: found)
    assert run_here(toy.recipe(images=80), store, tmp_path / "run").images == 80
    data = replace(toy.recipe().data, augment=AugmentConfig(jpeg=0.5))
    with pytest.raises(ValueError, match=r"another recipe.*data.augment.jpeg was 0.0, is 0.5"):
        run_here(toy.recipe(images=120, data=data), store, tmp_path / "run")
    found[1]["recipe"]["data"]["shuffle"] = 3  # a setting that is no more
    with pytest.raises(ValueError, match=r"another recipe.*data.shuffle was 3, is not set"):
        run_here(toy.recipe(images=120), store, tmp_path / "run")


def test_another_recipe_is_refused_and_a_fresh_start_moves_the_old_run_aside(store: Store, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_here(toy.recipe(images=40), store, run)
    other = toy.recipe(images=40, data=DataConfig(batch=2))
    with pytest.raises(ValueError, match=r"another recipe.*data.batch was 4, is 2"):
        run_here(other, store, run)
    assert run_here(toy.recipe(images=80), store, run).images == 80  # a longer run is no other
    run_here(other, store, run, resume=False)
    assert last(run)["recipe"]["data"]["batch"] == 2
    assert last(tmp_path / "run.old1")["images"] == 80


def test_other_data_are_refused(store: Store, tmp_path: Path) -> None:
    run, other = tmp_path / "run", toy.store(tmp_path / "other", seed=1, licence="for research")
    run_here(toy.recipe(images=40), store, run)
    message = rf"000000040.*on the data discs {store.checksum}, this store is discs {other.checksum}.*another folder"
    with pytest.raises(ValueError, match=message):
        run_here(toy.recipe(images=80), other, run)
    assert json.loads((run / "card.json").read_text())["data_checksum"] == store.checksum
    copy = tmp_path / "copy"  # the same data in another place are the same data
    shutil.copytree(store.folder, copy)
    assert run_here(toy.recipe(images=80), Store.open(copy), run).images == 80


def test_an_overfit_run_does_not_go_on_as_a_real_one(store: Store, tmp_path: Path) -> None:
    recipe = toy.recipe(images=40)
    run_here(recipe, store, tmp_path / "one", overfit=recipe.data.batch)
    run_here(recipe, store, tmp_path / "real")
    longer = toy.recipe(images=80)
    with pytest.raises(ValueError, match=r"made with overfit=4, this run has overfit=0"):
        run_here(longer, store, tmp_path / "one")
    with pytest.raises(ValueError, match=r"made with overfit=0, this run has overfit=4"):
        run_here(longer, store, tmp_path / "real", overfit=4)
    assert run_here(longer, store, tmp_path / "one", overfit=4).images == 80


def test_begins_from_weights_and_says_so(store: Store, unbroken: Path, tmp_path: Path) -> None:
    fresh = run_here(toy.recipe(images=40), store, tmp_path / "fresh").losses["generator/l1"]
    run, free = tmp_path / "tuned", toy.store(tmp_path / "free", licence="CC-BY-4.0")
    old = tmp_path / "old"
    shutil.copytree(unbroken, old)
    card = json.loads((old / "card.json").read_text())
    (old / "card.json").write_text(json.dumps({**card, "licence": "for research"}))
    assert run_here(toy.recipe(images=40), free, run, weights=old).losses["generator/l1"] < fresh

    digest = hashlib.sha256((old / "weights.safetensors").read_bytes()).hexdigest()
    origin = {"name": "toy", "sha256": digest, "data": "discs", "licence": "for research"}
    shutil.rmtree(old)
    run_here(toy.recipe(images=80), free, run)  # goes on without them
    card = json.loads((run / "card.json").read_text())
    assert card["images"] == 80
    assert card["begun_from"] == origin
    assert card["licence"] == "CC-BY-4.0; and: for research"
    assert [line["begun_from"] for line in lines(run) if line["kind"] == "start"] == [origin, origin]

    run_here(toy.recipe(images=40), free, tmp_path / "again", weights=run)  # the terms of all before it stay
    assert "and: CC-BY-4.0; and: for research" in (tmp_path / "again" / "card.json").read_text()
    assert json.loads((tmp_path / "fresh" / "card.json").read_text())["begun_from"] is None
    with pytest.raises(ValueError, match="began without weights"):
        run_here(toy.recipe(images=80), store, tmp_path / "fresh", weights=unbroken)


def test_the_pictures_are_put_on_the_canvas(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Person, Person]] = []
    encode = toy.Toy.encode

    def watched(self: toy.Toy, source: Person, target: Person) -> tuple[torch.Tensor, ...]:
        seen.append((source, target))
        return encode(self, source, target)

    monkeypatch.setattr(toy.Toy, "encode", watched)
    run_here(toy.recipe(images=8, tick=8), store, tmp_path / "plain")
    plain, seen[:] = list(seen), []
    run_here(toy.recipe(images=8, tick=8, canvas="toy-square"), store, tmp_path / "square")
    assert len(seen) == len(plain) == 2, "one step and one sheet"
    for small, large in zip(plain, seen, strict=True):
        for one, other in zip(small, large, strict=True):
            assert one.size == (32, 16)
            assert other.size == (32, 32)
            assert other.image is not None
            assert one.image is not None
            assert torch.equal(other.image[..., 8:24], one.image)
            assert bool((other.image[..., :8] == 1).all() and (other.image[..., 24:] == 1).all())
            if one.keypoints is not None:
                assert other.keypoints is not None
                torch.testing.assert_close(other.keypoints, one.keypoints + torch.tensor([8.0, 0.0, 0.0]))
    narrow, wide = (Image.open(tmp_path / run / "sheets" / "000000008.png") for run in ("plain", "square"))
    assert narrow.width == 4 * 16 * 8 + 5 * 6
    assert wide.width == 4 * 32 * 4 + 5 * 6
    left = np.asarray(wide)[-3 * 128 :, 6 : 6 + 8 * 4]  # the white strip beside the source of the last rows
    assert (left == 255).all()


def test_pictures_of_another_size_are_refused_before_anything_is_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'market' takes pictures of 128x64, these are 32x16.*canvas \(toy, toy-square"
    ):
        run_here(toy.recipe(canvas="market"), store, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    square = toy.SMALL["toy-square"]
    with pytest.raises(ValueError, match=r"of 32x32, or of 32x16 with white around them, these are 16x32; prepare"):
        square.frame(Person(size=(16, 32)))


def test_what_frame_puts_on_take_takes_off() -> None:
    batch = Person(image=torch.rand(2, 3, 32, 16), keypoints=torch.rand(2, 18, 3) + 1, mask=torch.rand(2, 1, 32, 16))
    square = toy.SMALL["toy-square"]
    framed = square.frame(batch)
    assert framed.size == (32, 32)
    assert square.frame(framed) is framed
    assert framed.mask is not None
    assert not framed.mask[..., :8].any()
    back = square.take(framed)
    for name in ("image", "mask", "keypoints"):
        torch.testing.assert_close(getattr(back, name), getattr(batch, name))


def test_saves_by_the_clock_also_before_the_first_tick(store: Store, tmp_path: Path) -> None:
    """Killed before its first tick a run goes on, and ends as one that the clock never interrupted."""
    run, words = tmp_path / "run", ["images=400", "tick=400"]
    process = start(store, run, *words, "save_every=0.05")
    wanted, deadline = 8 * int(toy.luck().integers(1, 12)), time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        found = checkpoints(run / "checkpoints")
        if found and int(found[0].stem) >= wanted:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = int(checkpoints(run / "checkpoints")[0].stem)
    assert 0 < killed_at < 400, "the run ended before it was killed"
    assert not (run / "sheets").exists()
    assert not (run / "weights.safetensors").exists()

    recipe = toy.recipe(images=400, tick=400)
    run_here(recipe, store, run, save_every=0)
    assert [line["images"] for line in lines(run) if line["kind"] == "start"] == [0, killed_at]
    assert [path.stem for path in checkpoints(run / "checkpoints")] == ["000000400", "000000392"]
    assert [path.stem for path in (run / "sheets").iterdir()] == ["000000400"]
    run_here(recipe, store, tmp_path / "calm")
    assert [path.stem for path in checkpoints(tmp_path / "calm" / "checkpoints")] == ["000000400"]
    assert_same(last(run), last(tmp_path / "calm"))


def test_the_clock_saves_no_diverged_state() -> None:
    means = RunningMeans()
    assert means.all_finite()
    means.add(["l1", "norm"], torch.tensor([1.0, float("inf")]))
    means.add(["l1", "norm"], torch.tensor([1.0, 1.0]))
    assert not means.all_finite()
    means.read()
    means.add(["l1", "norm"], torch.tensor([1.0, 1.0]))
    assert means.all_finite()


def test_the_precision_that_is_used_is_said(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Log, "say", lambda self, text: said.append(text))
    run_here(toy.recipe(images=8, precision="bf16-mixed"), store, tmp_path / "run")
    assert lines(tmp_path / "run")[0]["precision"] == "32-true"
    assert [text for text in said if "precision 32-true (the recipe's bf16-mixed is for GPUs)" in text] == said[:1]
    said.clear()
    run_here(toy.recipe(images=8), store, tmp_path / "plain")
    assert [text.endswith("precision 32-true") for text in said] == [True, False]


def test_ema_forgets_half_in_its_half_life() -> None:
    average, network = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    torch.nn.init.constant_(average.weight, 1.0)
    torch.nn.init.constant_(network.weight, 0.0)
    network.running_mean = torch.tensor([3.0, 4.0])
    for step in range(10):
        update_average(average, network, images=10**6 + 100 * step, step_images=100, half_life=1000)
    torch.testing.assert_close(average.weight.data, torch.full((2,), 0.5))
    assert torch.equal(average.running_mean, network.running_mean)  # type: ignore[arg-type]
    update_average(
        average, network, images=100, step_images=100, half_life=1000
    )  # the first step leaves next to nothing
    assert float(average.weight.detach().max()) < 1e-5


def test_memory_is_told_before_the_run(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what to turn down; a run without a report asks nothing."""
    monkeypatch.setattr("repose.train.memory_forecast.free_memory", lambda device: 2**20)
    made = toy.recipe(images=8)
    train(made, store, tmp_path / "run", accelerator="cpu", progress=True)
    told = capsys.readouterr().out
    assert "toy: 1 iterations of 8 pictures; a run needs" in told.replace("\n", " ")
    assert "warning: this run needs" in told.replace("\n", " ")
    run_here(made, store, tmp_path / "other")
    assert "needs" not in capsys.readouterr().out
    one, other = last(tmp_path / "run"), last(tmp_path / "other")
    assert_same(one["generator"], other["generator"])  # asking draws no random numbers


def test_two_runs_do_not_share_a_folder(store: Store, tmp_path: Path) -> None:
    """The second is refused before it moves the first one's folder aside or writes a line of its log."""
    with (
        locked(tmp_path / "run", "training in this folder"),
        pytest.raises(ValueError, match=r"run: another process is training in this folder"),
    ):
        run_here(toy.recipe(), store, tmp_path / "run", resume=False)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_tensorboard_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its thread fails, and its closing too; neither leaves a traceback or ends the run."""
    writers = pytest.importorskip("tensorboard.summary.writer.record_writer")
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)  # the other tests are without it

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with warnings.catch_warnings(record=True) as told, Log(tmp_path, 10, 0, show=False) as log:
        warnings.simplefilter("always")
        log.line(1, 1.0, {}, {"l1": 1.0})
        for name in ("write", "flush"):
            monkeypatch.setattr(writers.RecordWriter, name, full)
        for images in range(2, 60):
            log.line(images, 1.0, {}, {"l1": 1.0})
            if log._board is False:
                break
            time.sleep(0.01)
    monkeypatch.undo()
    assert [str(one.message).partition(": ")[2] for one in told if "tensorboard" in str(one.message)] == [
        f"nothing more is written: [Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}"
    ]
    assert "Traceback" not in capfd.readouterr().err
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) >= 2
