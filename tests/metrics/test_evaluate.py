"""Evaluations of small stores: what is exact, what is written, what is refused."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from skimage.metrics import structural_similarity
from torch import Tensor

from repose.data import Store, StoreWriter
from repose.metrics import (
    Evaluation,
    EvaluationSettings,
    FolderError,
    FolderPictures,
    GeneratorPictures,
    PictureSource,
    comparison_markdown,
    comparison_table,
    evaluate,
    evaluate_folder,
    protocol,
)
from repose.metrics.batches import BatchMeasurer
from repose.metrics.file_names import file_names
from repose.metrics.pairs import MeasuredPairs, as_saved
from repose.person import Pair
from repose.represent.canvas import canvas, to_uint8
from repose.represent.keypoints import skeleton_mask
from tests.metrics.stores import Reader, figure, fill

measuring = sys.modules["repose.metrics.evaluate"]  # `repose.metrics.evaluate` itself is the function


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fill(tmp_path_factory.mktemp("stores") / "market")


def peek(pair: Pair) -> Tensor:
    assert pair.target.image is not None
    return pair.target.image


def copy(pair: Pair) -> Tensor:
    assert pair.source.image is not None
    return pair.source.image


def blend(pair: Pair) -> Tensor:
    assert pair.source.image is not None
    return 0.6 * peek(pair) + 0.4 * pair.source.image


def test_the_target_itself_scores_exactly_one(store: Store) -> None:
    evaluation = evaluate("patn-market@2", store, peek, EvaluationSettings(estimator=Reader()))
    for kind in ("target", "generated"):
        got = evaluation[kind].scores
        assert got["ssim"].value == got["mask_ssim"].value == pytest.approx(1, abs=1e-12)
        assert got["pckh"].value == got["pckh"].low == 1
        assert got["l1"].value == 0
        assert math.isinf(got["psnr"].value)
    assert evaluation["source"].scores["ssim"].value < 0.9
    assert evaluation["generated"].scores["pckh_csv"].value < 1


def test_columns_are_the_definitions_pair_by_pair(store: Store) -> None:
    evaluation = evaluate("patn-market@2", store, blend, EvaluationSettings(batch=4))
    row = evaluation["generated"]
    assert evaluation.pairs.tolist() == store.pairs("test").tolist()
    for at, (source, target) in enumerate(evaluation.pairs.tolist()):
        pair = Pair(store.person([source]), store.person([target]))
        made, real = to_uint8(blend(pair))[0], to_uint8(peek(pair))[0]
        mask = skeleton_mask(pair.target.keypoints, 128, 64)[0, 0].numpy().astype(np.uint8)[..., None]
        for metric, x, y in (("ssim", made, real), ("mask_ssim", made * mask, real * mask)):
            wanted = structural_similarity(
                y, x, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                data_range=int(x.max()) - int(x.min()),
            )  # fmt: skip
            assert row.columns[metric].values[at].item() == pytest.approx(wanted, abs=1e-6)
        error = (made.astype(float) - real).ravel()
        assert row.columns["l1"].values[at].item() == pytest.approx(np.abs(error).mean() / 127.5, abs=1e-12)
        wanted = 10 * math.log10(255**2 / (error**2).mean())
        assert row.columns["psnr"].values[at].item() == pytest.approx(wanted, abs=1e-9)
    assert row.scores["ssim"].value == pytest.approx(row.columns["ssim"].values.mean().item(), abs=1e-12)


def test_fashion_is_padded_with_white_and_roy_measures_both_ways(tmp_path: Path) -> None:
    store = fill(tmp_path / "fashion", 2, 256, 176)
    patn, roy = evaluate("patn-fashion", store), evaluate("roy-fashion", store)
    assert (len(patn.pairs), len(roy.pairs)) == (2, 4)
    assert "mask_ssim" not in patn["source"].scores
    source, target = (to_uint8(store.person([i]).image)[0] for i in patn.pairs[0].tolist())
    x, y = (np.pad(p, ((0, 0), (40, 40), (0, 0)), constant_values=255) for p in (source, target))
    span = int(source.max()) - int(source.min())
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    wide = structural_similarity(y, x, data_range=max(span, 255 - int(source.min())), **options)
    assert patn["source"].columns["ssim"].values[0].item() == pytest.approx(wide, abs=1e-6)
    assert roy.pairs[0].tolist() == roy.pairs[1].flip(0).tolist()
    forth, back = roy["source"].columns["ssim"].values[:2].tolist()
    assert forth == pytest.approx(structural_similarity(y, x, channel_axis=2), abs=1e-6)
    assert forth == pytest.approx(back, abs=1e-12)  # its range is fixed, so the direction does not matter
    assert (
        evaluate("roy-fashion", store, lambda pair: pair.target.image, EvaluationSettings(limit=1)).facts["pairs"] == 2
    )


def test_no_pair_comes_twice_where_the_store_has_no_list(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", 256, 176, "made") as writer:
        for view in range(3):
            writer.add(f"{view}.jpg", "p", *figure(view, 256, 176), split="test")
    evaluation = evaluate("roy-fashion@1", Store.open(tmp_path / "s"))
    assert sorted(evaluation.pairs.tolist()) == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    assert evaluation.facts["pairs_in_split"] == 6


def test_generators_get_pairs_on_the_protocols_canvas(tmp_path: Path) -> None:
    store = fill(tmp_path / "fashion", 2, 256, 176)
    sizes = set()

    def generate(pair: Pair) -> Tensor:
        sizes.add((pair.source.size, pair.target.size))
        return peek(pair)

    assert evaluate("roy-fashion", store, generate)["generated"].scores["l1"].value == 0
    assert sizes == {((256, 256), (256, 256))}


def test_references_may_be_taken_from_an_earlier_evaluation(store: Store) -> None:
    first = evaluate("patn-market@2", store, GeneratorPictures(blend, name="a"))
    second = evaluate("patn-market@2", store, GeneratorPictures(blend, name="b"), beside=first)
    assert second["source"] is first["source"]
    assert second["generated"].scores == first["generated"].scores
    with pytest.raises(ValueError, match="pairs"):
        evaluate("patn-market@2", store, blend, EvaluationSettings(limit=3), beside=first)
    text = comparison_markdown([first, second])
    assert text.count("real target") == text.count("copied source") == 1
    assert "| a |" in text
    assert "| b |" in text
    with pytest.raises(ValueError, match="different pairs"):
        comparison_table([first, evaluate("patn-market@2", store, settings=EvaluationSettings(limit=3))])


def test_limit_is_spread_over_the_list(store: Store) -> None:
    evaluation = evaluate("patn-market@2", store, settings=EvaluationSettings(limit=3))
    assert evaluation.pairs.tolist() == store.pairs("test")[[0, 2, 4]].tolist()
    assert evaluation.facts["pairs"] == 3
    assert evaluation.facts["pairs_in_split"] == 6
    assert "3 of 6 pairs" in evaluation.markdown()
    with pytest.raises(ValueError, match="at least 1"):
        evaluate("patn-market@2", store, settings=EvaluationSettings(limit=0))


def test_the_result_line_can_be_trusted_and_repeated(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "results" / "m.jsonl"
    sha = "ab" * 32
    for seed in (0, 1):
        evaluate(
            "patn-market@2",
            store,
            GeneratorPictures(blend, name="blend", recipe="none", weights=sha),
            EvaluationSettings(estimator=Reader(), seed=seed),
        ).append(path)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first["protocol"] == "patn-market@2"
    assert (first["data"], first["checksum"], first["split"]) == ("made", store.checksum, "test")
    assert (first["model"], first["recipe"], first["weights"]) == ("blend", "none", sha)
    assert (first["pairs"], first["estimator"], first["directions"]) == (6, "reader", "given")
    assert {"date", "commit", "hardware", "torch", "seconds", "seconds_generating", "skipped"} <= first.keys()
    assert first["rows"].keys() == {"target", "source", "generated"}
    assert first["rows"]["target"]["psnr"] == [None, None, None]  # equal pictures
    value, low, high = first["rows"]["generated"]["ssim"]
    assert low < value < high
    assert second["seed"] == 1
    assert second["rows"]["generated"]["ssim"][0] == value
    assert second["rows"]["generated"]["ssim"] != first["rows"]["generated"]["ssim"]  # another bootstrap


def test_tables_for_the_terminal_and_for_documents(store: Store) -> None:
    evaluation = evaluate(
        "patn-market@2", store, GeneratorPictures(blend, name="a|b [bold]"), EvaluationSettings(estimator=Reader())
    )
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(evaluation.table())
    text = console.export_text()
    assert "real target" in text
    assert "copied source" in text
    assert "a|b [bold]" in text
    assert f"{evaluation['generated'].scores['ssim'].value:.3f}" in text
    lines = [line for line in evaluation.markdown().splitlines() if line.startswith("|")]
    assert len(lines) == 5
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1
    assert "∞" in lines[2]


def test_a_head_without_a_box_is_counted_as_left_out(tmp_path: Path) -> None:
    class Blind(Reader):
        def crops(self, images: list[np.ndarray]) -> Tensor:
            return torch.zeros(len(images), 18, 3)

    evaluation = evaluate("patn-market@2", fill(tmp_path / "s"), blend, EvaluationSettings(estimator=Blind()))
    assert math.isnan(evaluation["generated"].scores["pckh"].value)
    assert evaluation["generated"].scores["pckh_csv"].value == 0  # the annotation is there: all missing, all wrong
    assert evaluation.line()["skipped"]["pckh"] == 6
    assert "left out, no head box, or one without width or height" in evaluation.markdown()
    assert "released scripts" not in evaluation.markdown()


def test_the_caption_tells_how_the_released_scripts_count(store: Store) -> None:
    class Profile(Reader):
        """All joints of the head stand above one another."""

        def crops(self, images: list[np.ndarray]) -> Tensor:
            found = super().crops(images)
            found[:, [0, 1, 14, 15, 16, 17], 0] = 30
            return found

    settings = EvaluationSettings(estimator=Profile(), features=False)
    old = evaluate("patn-market-jpeg@1", store, settings=settings)
    new = evaluate("patn-market-jpeg@2", store, settings=settings)
    assert math.isnan(old["target"].scores["pckh"].value)
    assert old.line()["skipped"]["pckh"] == 6
    assert new["target"].scores["pckh"].value == 0, "even of the real target"
    assert "pckh" not in new.line()["skipped"]
    said = "PCKh as the released scripts count it: wrong are all joints of a target whose head box has no width or no"
    assert said in new.markdown()
    assert said not in old.markdown()


def test_joints_of_real_pictures_are_estimated_once(store: Store, tmp_path: Path) -> None:
    first, second, third = Reader(), Reader(), Reader()
    kept = evaluate("patn-market@2", store, blend, EvaluationSettings(estimator=first, joints=tmp_path))
    assert first.asked == 6 + 6  # six real pictures, each a source and a target, and six generated ones
    again = evaluate("patn-market@2", store, blend, EvaluationSettings(estimator=second, joints=tmp_path))
    assert second.asked == 6
    assert again["generated"].scores == kept["generated"].scores
    third.name = "another"
    evaluate("patn-market@2", store, settings=EvaluationSettings(estimator=third, joints=tmp_path))
    assert third.asked == 6
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 6 + 6, "no generated picture is kept"
    for file in files:
        file.write_bytes(file.read_bytes()[:50])  # a damaged file is made anew
    fourth = Reader()
    evaluate("patn-market@2", store, settings=EvaluationSettings(estimator=fourth, joints=tmp_path))
    assert fourth.asked == 6


def test_an_evaluation_survives_a_folder_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = evaluate(
        "patn-market@2", store, blend, EvaluationSettings(estimator=Reader(), joints=tmp_path / "file" / "estimated")
    )
    assert (
        kept["generated"].scores
        == evaluate("patn-market@2", store, blend, EvaluationSettings(estimator=Reader()))["generated"].scores
    )


@pytest.mark.parametrize(
    ("generate", "message"),
    [
        (lambda pair: peek(pair)[..., 1:], "returned torch.float32"),
        (lambda pair: peek(pair) * 127.5 + 127.5, r"p_0.jpg -> p_1.jpg is far outside"),
        (lambda pair: torch.where(torch.arange(len(pair))[:, None, None, None] == 2, torch.nan, peek(pair)), "p_2.jpg"),
    ],
)
def test_a_broken_generator_is_named_not_averaged(
    store: Store, generate: Callable[[Pair], Tensor], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate("patn-market@2", store, generate)


def test_one_equal_pair_does_not_make_the_row_infinite(store: Store) -> None:
    def once(pair: Pair) -> Tensor:
        made = blend(pair)
        made[1] = peek(pair)[1]
        return made

    evaluation = evaluate(
        "patn-market@1", store, GeneratorPictures(once, name="once"), EvaluationSettings(features=False)
    )
    column, score = evaluation["generated"].columns["psnr"], evaluation["generated"].scores["psnr"]
    assert column.values.isinf().tolist() == [False, True, False, False, False, False]
    assert score.value == pytest.approx(column.values[column.values.isfinite()].mean().item(), abs=1e-12)
    assert math.isfinite(score.high)
    assert evaluation.line()["equal"] == {"target": 6, "generated": 1}
    assert "PSNR without the pairs of equal pictures: 1 of once" in evaluation.markdown()
    assert math.isinf(evaluation["target"].scores["psnr"].value)


def test_another_canvas_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="takes pictures of 256x176, these are 128x64"):
        evaluate("patn-fashion", store)
    with pytest.raises(KeyError, match="val"):
        evaluate("patn-market@2", store, settings=EvaluationSettings(split="val"))


def test_random_generators_repeat_and_leave_the_callers_numbers_alone(store: Store) -> None:
    def noisy(pair: Pair) -> Tensor:
        return torch.rand_like(peek(pair)) * 2 - 1

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    one = evaluate("patn-market@2", store, noisy)
    assert torch.equal(torch.rand(3), wanted)
    assert evaluate("patn-market@2", store, noisy)["generated"].scores == one["generated"].scores


class Mirrored:
    """A source of pictures of one's own: the flipped source, by the indices of the store."""

    name, recipe, weights, fields, origin = "mirrored", "none", "w" * 64, ("image",), "version 1"

    def __init__(self, store: Store) -> None:
        self.store = store
        self.measured: list[int] = []
        self.asked = 0

    def opened(self, measured: MeasuredPairs) -> PictureSource:
        self.measured.append(len(measured))
        return self

    def pictures(self, indices: Tensor, pair: Pair) -> Tensor:
        self.asked += len(indices)
        assert torch.equal(self.store.person(indices[:, 0]).image, copy(pair))
        return torch.from_numpy(to_uint8(copy(pair).flip(-1))).movedim(-1, 1)

    def facts(self) -> dict[str, str]:
        return {"flipped": "yes"}

    def warnings(self) -> tuple[str, ...]:
        return ("left and right are exchanged",)


def test_a_source_of_ones_own(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = Mirrored(store)
    assert isinstance(source, PictureSource)
    evaluation = evaluate("patn-market@2", store, source, EvaluationSettings(keep=tmp_path, batch=4, limit=5))
    wanted = evaluate("patn-market@2", store, lambda pair: copy(pair).flip(-1), EvaluationSettings(limit=5))
    assert evaluation["generated"].scores == wanted["generated"].scores
    assert evaluation["generated"].name == "mirrored"
    assert (source.measured, source.asked) == ([5], 5)
    line = evaluation.line()
    assert (line["model"], line["recipe"], line["weights"], line["flipped"]) == ("mirrored", "none", "w" * 64, "yes")
    assert "left and right are exchanged" in caplog.text
    with pytest.raises(TypeError, match="a PictureSource or a function of a Pair, not from int"):
        evaluate("patn-market@2", store, 3)  # type: ignore[arg-type]


def test_a_split_without_pairs_names_the_others(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        for number, split in enumerate(("test", "val", "val", "val")):
            writer.add(f"{number}.png", split, *figure(number), split=split)
        writer.finish({"test": []})
    with pytest.raises(ValueError, match=r"'test' has no pairs to measure; choose another of test, val$"):
        evaluate("patn-market@2", Store.open(tmp_path / "s"))


@pytest.mark.parametrize(("words", "message"), [({"limit": 0}, "at least 1"), ({"batch": 0}, "batch is a number of")])
def test_settings_that_cannot_be(words: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EvaluationSettings(**words)


def test_an_estimator_by_its_name(store: Store) -> None:
    with pytest.raises(ValueError, match="no estimator of keypoints is called 'movenett'; did you mean 'movenet'"):
        evaluate("patn-market@2", store, settings=EvaluationSettings(estimator="movenett"))


# -- folders of pictures --------------------------------------------------------------------------------------------


def save_all(store: Store, folder: Path, style: int) -> list[Path]:
    folder.mkdir()
    paths = []
    for source, target in store.pairs("test").tolist():
        pair = Pair(store.person([source]), store.person([target]))
        paths.append(folder / file_names(store.names[source], store.names[target])[style])
        Image.fromarray(to_uint8(blend(pair))[0]).save(paths[-1])
    return paths


@pytest.mark.parametrize("style", [0, 1, 2])
def test_a_folder_measures_as_its_generator_does(store: Store, tmp_path: Path, style: int) -> None:
    save_all(store, tmp_path / "out", style)
    (tmp_path / "out" / "notes.txt").write_text("not a picture")
    reader = Reader()
    folder = evaluate_folder("patn-market@2", store, tmp_path / "out", EvaluationSettings(estimator=reader))
    assert (
        folder["generated"].scores
        == evaluate("patn-market@2", store, blend, EvaluationSettings(estimator=reader))["generated"].scores
    )
    assert folder.facts["model"] == "out"


def test_file_names() -> None:
    """Ours; GFLA, DPTN, NTED, PIDM; PATN; Roy."""
    ours, *others = file_names("a.jpg", "b.jpg")
    assert ours == "a_2_b.png"
    for ending in ("png", "jpg"):
        assert {f"a_2_b_vis.{ending}", f"a.jpg___b.jpg_vis.{ending}", f"a___b_vis.{ending}"} <= set(others)
    assert len(others) == 6
    assert {"fake_B/12@b.png", "fake_B/12@b.jpg"} == set(file_names("a.jpg", "b.jpg", [(12, True)])) - {ours, *others}
    assert "fake_A/12@b.jpg" in file_names("a.jpg", "b.jpg", [(3, True), (12, False)])


def test_every_wrong_file_is_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    paths = save_all(store, folder, 0)
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:300])
    Image.new("RGB", (65, 128)).save(paths[2])
    Image.new("RGB", (320, 128)).save(paths[3])
    Image.new("L", (64, 128)).save(paths[4])
    (folder / "p_5___p_0_vis.png").write_bytes(paths[5].read_bytes())
    (folder / "p_9_2_p_1.png").write_bytes(paths[5].read_bytes())
    with pytest.raises(FolderError) as caught:
        evaluate_folder("patn-market@2", store, folder)
    problems = {tuple(names): kind for kind, names in caught.value.problems.items()}
    assert problems.pop((paths[0].name,)) == "missing"
    assert problems.pop((paths[1].name,)) == "that cannot be read"
    assert problems.pop((paths[2].name,)).startswith("of 128x65 instead of 128x64")
    assert problems.pop((paths[3].name,)).startswith("strips of five")
    assert problems.pop((paths[4].name,)) == "in mode L instead of RGB"
    assert problems.pop((f"{paths[5].name} and p_5___p_0_vis.png",)) == "twice under two names"
    assert problems.pop(("p_9_2_p_1.png",)) == "of no pair of split 'test'"
    assert not problems
    assert paths[1].name in str(caught.value)


def test_jpeg_files_are_measured_and_said(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "lossy"
    folder.mkdir()
    for path in save_all(store, tmp_path / "out", 0):
        Image.open(path).save(folder / f"{path.stem}_vis.jpg", quality=75)
    lossy = evaluate_folder("patn-market@2", store, folder)
    assert "6 of 6 pictures are JPEG files" in caplog.text
    assert lossy.line()["files"] == "jpeg"
    assert "JPEG files, whose losses move every number: lossy" in lossy.markdown()
    plain = evaluate_folder("patn-market@2", store, tmp_path / "out")
    assert "JPEG" not in plain.markdown()
    assert lossy["generated"].scores["ssim"].value != plain["generated"].scores["ssim"].value


def test_a_jpeg_protocol_puts_both_pictures_through_a_file(tmp_path: Path) -> None:
    store = fill(tmp_path / "fashion", 2, 256, 176)
    evaluation = evaluate("roy-fashion-jpeg", store, copy)
    people = [canvas("fashion-square").frame(store.person([i])) for i in (0, 1)]
    source, target = (to_uint8(copy(Pair(one, one)))[0] for one in people)
    read = []
    for picture in (source, target):
        Image.fromarray(picture).save(tmp_path / "one.jpg", quality=75)
        read.append(np.array(Image.open(tmp_path / "one.jpg")))
    wanted = structural_similarity(read[1], read[0], channel_axis=2)
    assert evaluation.pairs[0].tolist() == [0, 1]
    assert evaluation["generated"].columns["ssim"].values[0].item() == pytest.approx(wanted, abs=1e-6)
    assert evaluation["target"].scores["ssim"].value == 1
    assert evaluate("roy-fashion", store)["source"].columns["ssim"].values[0].item() != pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(("name", "size"), [("patn-market-jpeg", (128, 64)), ("patn-fashion-jpeg", (256, 176))])
def test_a_picture_loses_as_much_as_in_patns_strip(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    images = [figure(seed, *size)[0] for seed in range(5)]
    Image.fromarray(np.concatenate(images, 1)).save(tmp_path / "a___b_vis.jpg")  # source, pose, target, pose, generated
    strip = np.array(Image.open(tmp_path / "a___b_vis.jpg"))
    alone = as_saved(protocol(name), torch.from_numpy(np.stack(images)).movedim(-1, 1))
    for place in (2, 4):
        cut = strip[:, place * size[1] : (place + 1) * size[1]]
        inside = slice(1, -1)  # the outermost columns take some colour of their neighbours in the strip
        assert np.array_equal(alone[place].movedim(0, -1).numpy()[:, inside], cut[:, inside])
        assert not np.array_equal(images[place][:, inside], cut[:, inside])


def test_a_jpeg_file_is_not_compressed_again(tmp_path: Path) -> None:
    store = fill(tmp_path / "market", 3)
    wanted = evaluate("patn-market-jpeg", store, blend)["generated"].scores
    for ending in ("png", "jpg"):
        folder = tmp_path / ending
        folder.mkdir()
        for source, target in store.pairs("test").tolist():
            picture = to_uint8(blend(Pair(store.person([source]), store.person([target]))))[0]
            name = f"p_{source}_2_p_{target}" + ("" if ending == "png" else "_vis")
            Image.fromarray(picture).save(folder / f"{name}.{ending}", quality=75)
        assert evaluate_folder("patn-market-jpeg", store, folder)["generated"].scores == wanted
    assert evaluate_folder("patn-market@2", store, tmp_path / "png")["generated"].scores != wanted


def test_a_generator_sees_its_fields_alone(tmp_path: Path) -> None:
    """The metrics read the target's parsing, for its clothes; the generator that did not ask for it must not."""
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        for number in range(2):
            writer.add(f"{number}.png", "p", *figure(number), split="test", parsing=np.full((128, 64), 5, np.uint8))
    store, given = Store.open(tmp_path / "s"), []

    def generate(pair: Pair) -> Tensor:
        given.append((pair.source.parsing is not None, pair.target.parsing is not None))
        return peek(pair)

    evaluate("patn-market@2", store, generate)
    evaluate("patn-market@2", store, GeneratorPictures(generate, fields=("image", "keypoints", "parsing")))
    assert given == [(False, False), (True, True)]


def test_strips_are_taken_on_demand_only(store: Store, tmp_path: Path) -> None:
    wanted = evaluate("patn-market@2", store, blend)
    folder = tmp_path / "out"
    for path in save_all(store, folder, 2):
        noise = np.random.default_rng(0).integers(0, 256, (128, 256, 3), dtype=np.uint8)
        Image.fromarray(np.concatenate([noise, np.array(Image.open(path))], 1)).save(path)
    with pytest.raises(FolderError, match="--strips takes the fifth"):
        evaluate_folder("patn-market@2", store, folder)
    assert (
        evaluate_folder("patn-market@2", store, folder, strips=True)["generated"].scores == wanted["generated"].scores
    )
    some = MeasuredPairs(protocol("patn-market@2"), store, "test", store.pairs("test")[:2])
    pair, _ = some.read(some.indices, ("image",))
    pictures = FolderPictures(folder, strips=True).opened(some).pictures(some.indices, pair)
    assert tuple(pictures.shape) == (2, 3, 128, 64)


@pytest.mark.parametrize(("count", "said"), [(8, "strips of eight pictures"), (5, "strips of five"), (6, "of 128x384")])
def test_the_last_picture_of_known_strips_is_measured(store: Store, tmp_path: Path, count: int, said: str) -> None:
    """PATN's test code saves five pictures side by side, PINet's eight; of others nobody knows which one it is."""
    folder = tmp_path / "out"
    paths = save_all(store, folder, 2)
    whole = {path: np.array(Image.open(path)) for path in paths}
    for path, pixels in whole.items():
        noise = np.random.default_rng(0).integers(0, 256, (128, 64 * (count - 1), 3), dtype=np.uint8)
        Image.fromarray(np.concatenate([noise, pixels], 1)).save(path)
    measured = MeasuredPairs.select(protocol("patn-market@2"), store)
    with pytest.raises(FolderError, match=said):
        FolderPictures(folder).opened(measured)
    if count == 6:
        with pytest.raises(FolderError, match=r"instead of 128x320 or 128x512 .*strips of 6, and it is not known"):
            FolderPictures(folder, strips=True).opened(measured)
        return
    pair, _ = measured.read(measured.indices, ("image",))
    pictures = FolderPictures(folder, strips=True).opened(measured).pictures(measured.indices, pair)
    assert {picture.tobytes() for picture in pictures.movedim(1, -1).contiguous().numpy()} == {
        pixels.tobytes() for pixels in whole.values()
    }


def test_roys_folders_count_the_list_of_pairs(tmp_path: Path) -> None:
    store = fill(tmp_path / "fashion", 3, 256, 176)
    square = canvas("fashion-square").frame
    folder = tmp_path / "iter_260500"
    for place, half in ((0, "fake_B"), (1, "fake_A")):
        (folder / half).mkdir(parents=True)
        for number, pair in enumerate(store.pairs("test").tolist()):
            source, target = pair[place], pair[1 - place]
            person = square(store.person([source]))
            pixels = to_uint8(copy(Pair(person, person)))[0]
            Image.fromarray(pixels).save(folder / half / f"{number}@{Path(store.names[target]).stem}.png")
    evaluation = evaluate_folder("roy-fashion", store, folder)
    assert evaluation.facts["pairs"] == 6
    assert evaluation["generated"].scores["ssim"] == evaluation["source"].scores["ssim"]
    (folder / "fake_A" / "1@p_1.png").unlink()
    (folder / "fake_A" / "7@p_1.png").write_bytes((folder / "fake_A" / "0@p_0.png").read_bytes())
    with pytest.raises(FolderError, match=r"1 missing: p_2_2_p_1.png; 1 of no pair of split 'test': fake_A/7@p_1.png"):
        evaluate_folder("roy-fashion", store, folder)


# -- an evaluation that was cut off ----------------------------------------------------------------------------------


def test_a_run_cut_off_goes_on(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_CHUNK", 2)
    asked: list[int] = []

    def noisy(pair: Pair) -> Tensor:
        if len(asked) == 2 and sum(asked) == 4:
            asked.append(0)
            raise KeyboardInterrupt
        asked.append(len(peek(pair)))
        return (peek(pair) + 0.3 * torch.randn_like(peek(pair))).clamp(-1, 1)

    def run() -> Evaluation:
        return evaluate(
            "patn-market@2",
            store,
            GeneratorPictures(noisy, origin="noise of 0.3"),
            EvaluationSettings(estimator=Reader(), keep=tmp_path),
        )

    with pytest.raises(KeyboardInterrupt):
        run()
    resumed = run()
    assert sum(asked) == 6, "the first four pairs were not generated again"
    assert resumed.facts["pairs_from_disk"] == 4
    asked[:] = [9]
    whole = run()
    assert "pairs_from_disk" not in whole.facts, "what is complete goes"
    assert resumed["generated"].scores == whole["generated"].scores, "random numbers go on where they were"
    assert resumed["source"].scores == whole["source"].scores


def test_the_references_are_measured_once(store: Store, tmp_path: Path) -> None:
    first = evaluate("patn-market@2", store, settings=EvaluationSettings(estimator=Reader(), keep=tmp_path))
    reader = Reader()
    again = evaluate("patn-market@2", store, settings=EvaluationSettings(estimator=reader, keep=tmp_path))
    assert reader.asked == 0
    assert again["source"].scores == first["source"].scores
    for name, limit in (("patn-market@2", 3), ("patn-market@1", None)):
        reader = Reader()
        evaluate(name, store, settings=EvaluationSettings(estimator=reader, limit=limit, keep=tmp_path))
        assert reader.asked > 0
    for file in tmp_path.rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:40])
    assert (
        evaluate("patn-market@2", store, settings=EvaluationSettings(estimator=Reader(), keep=tmp_path))[
            "source"
        ].scores
        == first["source"].scores
    )


def test_another_torch_device_or_origin_measures_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(origin: str, device: str) -> dict[str, object]:
        pairs = MeasuredPairs.select(protocol("patn-market@1"), store)
        measurer = BatchMeasurer(pairs, None, EvaluationSettings(features=False))
        measurer.device = torch.device(device)
        return measuring._key(measurer, {}, origin)

    first = key("a", "cpu")
    assert first == key("a", "cpu")
    assert first != key("b", "cpu")
    assert first != key("a", "cuda:0")
    evaluate("patn-market@1", store, settings=EvaluationSettings(estimator=Reader(), keep=tmp_path))
    monkeypatch.setattr(torch, "__version__", f"{torch.__version__}.another")
    reader = Reader()
    evaluate("patn-market@1", store, settings=EvaluationSettings(estimator=reader, keep=tmp_path))
    assert reader.asked > 0


def test_keeping_needs_to_know_the_generator(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"give GeneratorPictures\(origin=\.\.\.\), a text that names everything they depend on"
    ):
        evaluate(
            "patn-market@2", store, GeneratorPictures(blend, weights="w"), EvaluationSettings(keep=tmp_path / "kept")
        )
    assert not (tmp_path / "kept").exists()
    (tmp_path / "file").write_text("in the way")
    evaluate(
        "patn-market@2",
        store,
        GeneratorPictures(blend, origin="blend"),
        EvaluationSettings(keep=tmp_path / "file" / "kept"),
    )  # only a warning


def test_limit_does_not_make_the_other_pictures_extra(store: Store, tmp_path: Path) -> None:
    save_all(store, tmp_path / "out", 0)
    assert evaluate_folder("patn-market@2", store, tmp_path / "out", EvaluationSettings(limit=2)).facts["pairs"] == 2


def test_no_folder(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        evaluate_folder(protocol("patn-market@2"), store, tmp_path / "none")


@pytest.mark.parametrize("count", [1, 5])
def test_threads_change_nothing(store: Store, count: int) -> None:
    """In parts, of which some may be empty: the numbers of one thread, and as many threads afterwards."""
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(evaluate("patn-market@2", store, blend, EvaluationSettings(limit=count, features=False)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    one, three = (evaluation["generated"].columns for evaluation in found)
    for name in ("ssim", "mask_ssim", "psnr", "l1"):
        torch.testing.assert_close(three[name].values, one[name].values, rtol=0, atol=1e-12)
