"""Adversarial terms against closed forms; the pool's behaviour and its resume."""

import math

import pytest
import torch

from repose.losses.adversarial import KINDS, AdversarialKind, ImagePool, adversarial

SCORE = torch.tensor([[-1.0, 0.0], [0.5, 2.0]])


def test_least_squares() -> None:
    assert adversarial(SCORE, True, "lsgan").item() == pytest.approx((4 + 1 + 0.25 + 1) / 4)
    assert adversarial(SCORE, False, "lsgan").item() == pytest.approx((1 + 0 + 0.25 + 4) / 4)


@pytest.mark.parametrize("real", [True, False])
def test_bce_is_the_cross_entropy_of_the_sigmoid(real: bool) -> None:
    wanted = 0.0
    for score in SCORE.flatten().tolist():
        probability = 1 / (1 + math.exp(-score))
        wanted -= math.log(probability if real else 1 - probability) / 4
    assert adversarial(SCORE, real, "bce").item() == pytest.approx(wanted, rel=1e-5)


def test_bce_stays_finite_where_the_sigmoid_saturates() -> None:
    assert adversarial(torch.tensor([-200.0]), True, "bce").item() == pytest.approx(200)


def test_hinge() -> None:
    assert adversarial(SCORE, True, "hinge").item() == pytest.approx((2 + 1 + 0.5 + 0) / 4)
    assert adversarial(SCORE, False, "hinge").item() == pytest.approx((0 + 1 + 1.5 + 3) / 4)
    assert adversarial(SCORE, True, "hinge", generator=True).item() == pytest.approx(-1.5 / 4)


def test_bad_words() -> None:
    with pytest.raises(ValueError, match="did you mean 'lsgan'"):
        adversarial(SCORE, True, "lsgun")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="real=True"):
        adversarial(SCORE, False, "bce", generator=True)


def _pictures(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count).float().view(-1, 1, 1, 1).expand(-1, 3, 2, 2).contiguous()


def test_pool_of_nothing_is_the_identity() -> None:
    x = _pictures(0, 3).requires_grad_()
    pool = ImagePool(0)
    assert torch.equal(pool(x), x)
    assert not pool(x).requires_grad
    assert len(pool) == 0


def test_pool_fills_then_mixes_half() -> None:
    pool = ImagePool(50, seed=3)
    assert torch.equal(pool(_pictures(0, 50)), _pictures(0, 50))
    fresh = 0
    for step in range(100):
        x = _pictures(50 + 8 * step, 8)
        out = pool(x)
        new = out[:, 0, 0, 0] == x[:, 0, 0, 0]
        fresh += int(new.sum())
        assert (out[~new, 0, 0, 0] < x[~new, 0, 0, 0]).all()  # what is not new is old
    assert len(pool) == 50
    assert 0.44 < fresh / 800 < 0.56  # binomial, 3.4 standard deviations


def test_pool_keeps_its_own_copy() -> None:
    pool, x = ImagePool(1, seed=1), _pictures(1, 1)
    pool(x)
    x.zero_()
    given = {pool(_pictures(2, 1))[0, 0, 0, 0].item() for _ in range(20)}
    assert given == {1.0, 2.0}


def test_pool_resumes_exactly(tmp_path) -> None:
    unbroken = ImagePool(5, seed=7)
    for step in range(4):
        unbroken(_pictures(4 * step, 4))
    torch.save(unbroken.state_dict(), tmp_path / "pool.pt")
    resumed = ImagePool(5, seed=99)
    resumed.load_state_dict(torch.load(tmp_path / "pool.pt", weights_only=True))
    torch.rand(3)  # the global random numbers play no part
    for step in range(4, 12):
        assert torch.equal(unbroken(_pictures(4 * step, 4)), resumed(_pictures(4 * step, 4)))


def test_empty_pool_resumes() -> None:
    pool = ImagePool(5)
    pool(_pictures(0, 2))
    pool.load_state_dict(ImagePool(5).state_dict())
    assert len(pool) == 0
    pool(_pictures(0, 5))
    with pytest.raises(ValueError, match="holds 1"):
        ImagePool(1).load_state_dict(pool.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_the_weight_says_which_scores_count(kind: AdversarialKind) -> None:
    score = torch.randn(2, 1, 4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.zeros(2, 1, 4, 3)
    weight[0, 0, 1], weight[1, 0, 2] = 2, 1
    for real, generator in ((True, False), (False, False), (True, True)):
        loss = adversarial(score, real, kind, generator=generator, weight=weight)
        rows = [adversarial(row, real, kind, generator=generator) for row in (score[0, 0, 1], score[1, 0, 2])]
        assert loss.item() == pytest.approx((2 * rows[0] + rows[1]).item() / 3, rel=1e-5)
        (slope,) = torch.autograd.grad(loss, score)
        assert not slope[weight == 0].any()
        assert adversarial(score, real, kind, generator=generator, weight=0 * weight).item() == 0
    with pytest.raises(ValueError, match=r"a weight of \(2, 1, 4, 3\) is wanted, got \(2, 1, 4\)"):
        adversarial(score, True, kind, weight=weight[..., 0])
