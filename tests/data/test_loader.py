"""The sampler is a pure function of seed and step, uniform over the ordered pairs; the loader adds a thread."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.data import Store, StoreWriter
from repose.data.augment import AugmentConfig
from repose.data.loader import Loader, PairSampler, load_pairs
from repose.person import Pair, Person

COUNTS = (2, 1, 5, 3)  # pictures of each person: 2 + 0 + 20 + 6 ordered pairs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("loader") / "store"
    random = np.random.default_rng(0)
    with StoreWriter(folder, 16, 8, "made") as writer:
        for view in range(max(COUNTS)):  # people interleaved, so that a person's pictures are not neighbours
            for person, count in enumerate(COUNTS):
                if view < count:
                    image = random.integers(0, 256, (16, 8, 3), dtype=np.uint8)
                    keypoints = np.c_[random.uniform(0, 7, (18, 2)), np.ones(18)]
                    parsing = random.integers(0, 20, (16, 8), dtype=np.uint8)
                    writer.add(f"{person}_{view}", f"p{person}", image, keypoints, parsing)
        for view in range(2):
            writer.add(f"v{view}", "v", image, keypoints, parsing, split="val")
        writer.add("alone", "w", image, keypoints, parsing, split="one")
        writer.finish({"val": [("v1", "v0")]})
    return Store.open(folder)


def test_uniform_over_all_ordered_pairs(store: Store) -> None:
    sampler = PairSampler(store, "train", 7000, seed=3)
    drawn = Counter(map(tuple, torch.cat([sampler.batch_at(step) for step in range(4)]).tolist()))
    wanted = set(map(tuple, store.pairs("train").tolist()))
    assert set(drawn) == wanted
    assert sampler.total == len(wanted) == 28
    # chi-square with 27 degrees of freedom: 55.5 is the 99.9th percentile
    assert sum((count - 1000) ** 2 / 1000 for count in drawn.values()) < 55.5


def test_pure_function_of_seed_and_step(store: Store) -> None:
    one, other = PairSampler(store, "train", 64, seed=1), PairSampler(store, "train", 64, seed=1)
    late = one.batch_at(10**9)
    assert torch.equal(other.batch_at(5), one.batch_at(5))
    assert torch.equal(other.batch_at(10**9), late)
    assert not torch.equal(one.batch_at(6), one.batch_at(5))
    assert not torch.equal(PairSampler(store, "train", 64, seed=2).batch_at(5), one.batch_at(5))
    assert torch.equal(one.flips_at(5), other.flips_at(5))
    assert 0.4 < torch.cat([one.flips_at(step) for step in range(100)]).float().mean() < 0.6


def test_known_draw(store: Store) -> None:
    """A resumed run may find newer versions of NumPy: the draws are those of Philox4x64-10, computed by hand."""
    random = [46443301373742672, 13213067184620162821, 6753612868807450765, 7037447515868706425]
    sampler = PairSampler(store, "train", 4, seed=7)
    assert torch.equal(sampler.batch_at(123), store.pairs("train")[[number % 28 for number in random]])
    assert sampler.flips_at(123).tolist() == [True, False, False, True]


def test_two_processes_share_the_batch_of_one(store: Store) -> None:
    whole = PairSampler(store, "train", 10, seed=0)
    halves = [PairSampler(store, "train", 10, seed=0, rank=rank, world=2) for rank in range(2)]
    for step in (0, 17):
        assert torch.equal(torch.cat([half.batch_at(step) for half in halves]), whole.batch_at(step))
        assert torch.equal(torch.cat([half.flips_at(step) for half in halves]), whole.flips_at(step))
    with pytest.raises(ValueError, match="does not divide among 2"):
        PairSampler(store, "train", 9, seed=0, world=2)


def test_a_listed_split_is_drawn_from_its_list(store: Store) -> None:
    sampler = PairSampler(store, "val", 8, seed=0)
    assert sampler.batch_at(0).tolist() == [[store.index("v1"), store.index("v0")]] * 8
    with pytest.raises(ValueError, match="has no pair"):
        PairSampler(store, "one", 8, seed=0)


def same(one: Person, other: Person) -> bool:
    return all(torch.equal(getattr(one, f), getattr(other, f)) for f in ("image", "keypoints"))


def test_flips_the_pairs_that_are_chosen(store: Store) -> None:
    indices = torch.tensor([[0, 3], [2, 5], [5, 2]])
    flips = torch.tensor([True, False, True])
    plain = load_pairs(store, indices)
    mirrored = load_pairs(store, indices, ("image", "keypoints", "parsing"), "mirror", flips)
    for at, flip in enumerate(flips.tolist()):
        wanted = Pair(store.person(indices[at, :1]), store.person(indices[at, 1:]))
        wanted = wanted.flip() if flip else wanted
        for role in ("source", "target"):
            got, want = getattr(mirrored, role)[at : at + 1], getattr(wanted, role)
            assert same(got, want)
            assert torch.equal(got.parsing, want.parsing)
    old = load_pairs(store, indices, flip="patn", flips=flips)
    assert same(old.source[:1], plain.source[:1].flip_patn())
    assert same(old.target[1:2], plain.target[1:2])
    with pytest.raises(ValueError, match="image and keypoints only"):
        load_pairs(store, indices, ("image", "parsing"), "patn", flips)
    with pytest.raises(ValueError, match="needs the pairs to mirror"):
        load_pairs(store, indices, flip="mirror")
    with pytest.raises(ValueError, match="flip is one of"):
        load_pairs(store, indices, flip="vertical")  # type: ignore[arg-type]


@pytest.mark.parametrize("ahead", [0, 2])
def test_the_loader_resumes_where_it_is_told(store: Store, ahead: int) -> None:
    sampler = PairSampler(store, "train", 4, seed=0)
    with Loader(store, sampler, flip="mirror", ahead=0) as loader:
        whole = [next(loader) for _ in range(6)]
    with Loader(store, sampler, flip="mirror", start=4, ahead=ahead) as loader:
        rest = [next(loader) for _ in range(2)]
    assert [step for step, _ in whole] == list(range(6))
    for (step, pair), (again, resumed) in zip(whole[4:], rest, strict=True):
        assert step == again
        assert same(pair.source, resumed.source)
        assert same(pair.target, resumed.target)
    with pytest.raises(StopIteration):
        next(loader)


def test_an_error_in_the_thread_reaches_the_caller(store: Store) -> None:
    loader = Loader(store, PairSampler(store, "train", 4, seed=0), fields=("image", "iuv"))
    with pytest.raises(ValueError, match="has no 'iuv'"):
        next(loader)


def test_views_are_pictures_of_the_same_person(store: Store) -> None:
    sampler = PairSampler(store, "train", 600, seed=1)
    pairs, views = sampler.batch_at(4), sampler.views_at(4, 3)
    assert views.shape == (600, 3)
    assert torch.equal(views, PairSampler(store, "train", 600, seed=1).views_at(4, 3))
    assert not torch.equal(views, sampler.views_at(5, 3))
    who = np.array(store.people)
    assert (who[views.numpy()] == who[pairs[:, :1].numpy()]).all()
    many = [store.people[int(pair[0])] == "p2" for pair in pairs]  # the person with five pictures
    assert set(views[many].flatten().tolist()) == set(np.flatnonzero(who == "p2").tolist())
    halves = [PairSampler(store, "train", 600, seed=1, rank=rank, world=2).views_at(4, 3) for rank in range(2)]
    assert torch.equal(torch.cat(halves), views)


def test_views_come_with_the_pair_and_are_mirrored_with_it(store: Store) -> None:
    sampler = PairSampler(store, "train", 8, seed=1)
    fields = ("image", "keypoints")
    with Loader(store, sampler, fields, flip="mirror", start=2, both_directions=True, views=2) as loader:
        _, pair = next(loader)
    assert len(pair.views) == 2
    flips, views = sampler.flips_at(2), sampler.views_at(2, 2)
    assert 0 < int(flips.sum()) < 8
    for number, view in enumerate(pair.views):
        plain = store.person(views[:, number], fields)
        for half in (view[:8], view[8:]):  # the pairs from target to source have the same further views
            for i in range(8):
                wanted = plain[i].flip() if flips[i] else plain[i]
                assert torch.equal(half.image[i], wanted.image)  # type: ignore[index,arg-type]
                assert torch.equal(half.keypoints[i], wanted.keypoints)  # type: ignore[index,arg-type]
    assert [view.image.shape[0] for view in pair[:3].views] == [3, 3]  # type: ignore[union-attr]
    assert load_pairs(store, sampler.batch_at(2), fields).views == ()
    with pytest.raises(ValueError, match=r"further views \(Objective\.views\) take no augmentation"):
        load_pairs(store, torch.cat([sampler.batch_at(2), views], 1), change=AugmentConfig(brightness=0.5))


def test_views_of_a_listed_picture_outside_the_split(tmp_path: Path) -> None:
    image, keypoints = np.zeros((16, 8, 3), np.uint8), np.ones((18, 3))
    with StoreWriter(tmp_path / "store", 16, 8, "made") as writer:
        for person, split in (("a", "train"), ("b", "other")):
            for view in range(2):
                writer.add(f"{person}{view}", person, image, keypoints, split=split)
        writer.finish({"train": [("b0", "b1"), ("a0", "a1")]})
    sampler = PairSampler(Store.open(tmp_path / "store"), "train", 8, seed=0)
    assert sampler.batch_at(0).shape == (8, 2)
    with pytest.raises(ValueError, match=r"pairs of split 'train' name 'b0', which is in another split"):
        sampler.views_at(0, 2)
