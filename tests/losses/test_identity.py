"""The distance of two people in a network of people: on a toy, and on the published one against the metric."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from repose.hub.fetch import FileMissingError
from repose.hub.files import FILES
from repose.losses.identity import Identity
from repose.metrics.person_networks import SMALL_REIDENTIFICATION, person_network
from repose.train.memory_count import StorageCounter, feature_networks


class Colours(nn.Module):
    """The sums of what is above grey in the upper and the lower half, of each channel."""

    input_shape = (1, 3, 16, 8)

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        assert tuple(pictures.shape[1:]) == (3, 16, 8)
        self.seen.append(pictures.detach())
        above = pictures - 127.5
        return {"embedding": torch.cat([above[:, :, :8].sum((2, 3)), above[:, :, 8:].sum((2, 3))], 1)[..., None, None]}


def picture(*colours: tuple[float, float, float]) -> Tensor:
    """(1, 3, 32, 16): the upper and the lower half of a person, with a grey belt, before a bright wall."""
    image = torch.full((1, 3, 32, 16), 0.9)
    for half, colour in enumerate(colours):
        image[0, :, 16 * half : 16 * half + 16, 4:12] = 0
        image[0, :, 16 * half + 3 : 16 * half + 13, 4:12] = torch.tensor(colour)[:, None, None]
    return image


MASK = torch.zeros(1, 1, 32, 16)
MASK[..., 4:12] = 1

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def test_it_is_one_less_the_cosine() -> None:
    term = Identity(network=Colours())
    one, half, other = picture(RED, GREEN), picture(RED, BLUE), picture(BLUE, RED)
    assert term(one, one, MASK).item() == pytest.approx(0, abs=1e-6)
    assert term(half, one, MASK).item() == pytest.approx(0.5, abs=1e-6)
    assert term(other, one, MASK).item() == pytest.approx(1, abs=1e-6)
    assert term(torch.cat([one, half]), torch.cat([one, one]), MASK.expand(2, -1, -1, -1)).item() == pytest.approx(0.25)


def test_the_network_gets_what_it_was_trained_on() -> None:
    """Blue, green, red; 0 to 255; grey around the person."""
    network = Colours()
    Identity(network=network)(picture(RED, RED), picture(RED, RED), MASK)
    seen = network.seen[-1][0]
    assert seen[:, 4, 4].tolist() == pytest.approx([127.5, 127.5, 255])
    assert seen[:, 4, 0].tolist() == pytest.approx([127.5] * 3)


def test_nothing_but_the_person_counts() -> None:
    term = Identity(network=Colours())
    true = picture(RED, GREEN)
    generated = picture(BLUE, GREEN).requires_grad_()
    wall = torch.where(MASK > 0, generated, torch.full_like(generated, -0.7))
    loss = term(generated, true, MASK)
    assert loss.item() == pytest.approx(term(wall, true, MASK).item())
    loss.backward()
    assert generated.grad is not None
    assert float(generated.grad[..., 4:14, 4:12].abs().amax(1).min()) > 0
    assert not generated.grad[..., :4].any()


def test_people_too_small_do_not_count() -> None:
    term = Identity(network=Colours())
    small = torch.zeros(1, 1, 32, 16)
    small[..., :2, :4] = 1  # 8 of 512 pixels
    one, other = picture(RED, GREEN), picture(BLUE, GREEN)
    both = term(torch.cat([other, other]), torch.cat([one, one]), torch.cat([MASK, small]))
    assert both.item() == pytest.approx(term(other, one, MASK).item())
    generated = other.clone().requires_grad_()
    nobody = term(generated, one, small)
    nobody.backward()
    assert nobody.item() == 0
    assert generated.grad is not None
    assert torch.isfinite(generated.grad).all()


def test_the_published_network_is_the_metrics(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cosine as the metric's, a gradient that is the slope, and memory that is counted."""
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    random = torch.Generator().manual_seed(0)
    small = torch.rand(2, 3, 8, 4, generator=random) * 255
    pictures = nn.functional.interpolate(small, (128, 64), mode="bilinear").round().to(torch.uint8)
    mask = torch.zeros(1, 1, 128, 64)
    mask[..., 10:120, 16:48] = 1
    term, cut = Identity(), pictures.float() * mask + 127.5 * (1 - mask)
    files = [str(shared / "models" / FILES[name].aliases[0]) for name in SMALL_REIDENTIFICATION]
    vectors = nn.functional.normalize(person_network(files, torch.device("cpu")).outputs(cut), dim=1)
    one, other = (pictures[k : k + 1].float() / 127.5 - 1 for k in range(2))
    generated = one.requires_grad_()
    loss = term(generated, other, mask)
    assert loss.item() == pytest.approx(1 - float(vectors[0] @ vectors[1]), abs=1e-4)
    assert 0.01 < loss.item() < 1
    loss.backward()
    assert generated.grad is not None
    direction = generated.grad / generated.grad.norm()
    with torch.no_grad():
        up, down = (term(generated + k * 0.003 * direction, other, mask).item() for k in (1, -1))
    assert (up - down) / 0.006 == pytest.approx(generated.grad.norm().item(), rel=0.1)
    assert term.state_dict() == {}
    assert list(term.parameters()) == []


def test_its_memory_can_be_counted(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On tensors without numbers: the shapes that the graph computes, and its axes, have their values all the same."""
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    with FakeTensorMode(allow_non_fake_inputs=True):
        term, images = Identity(), torch.zeros(2, 3, 256, 128)
        (network,) = feature_networks(nn.ModuleList([term]))  # type: ignore[arg-type]
        with StorageCounter() as counter, torch.no_grad():
            vectors = term.vectors(images)
    assert tuple(vectors.shape) == (2, 256)
    assert counter.peak > 4 * 2 * 3 * 256 * 128
    weights = sum(constant.nbytes for constant in network.buffers())
    assert 700_000 < weights < 1_000_000  # 0.18 million, in float32


def test_missing_weights_and_wrong_shapes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path))
    monkeypatch.delenv("REPOSE_FILES", raising=False)
    term = Identity()
    term.advice = "add objective.identity=0"
    with pytest.raises(FileMissingError, match=r"(?s)retail-0288\.xml.*or        add objective\.identity=0"):
        term(picture(RED, RED), picture(RED, RED), MASK)
    with pytest.raises(ValueError, match=r"a mask \(B, 1, H, W\) are wanted, got .* and \(1, 32, 16\)"):
        term(picture(RED, RED), picture(RED, RED), MASK[0])
    with pytest.raises(ValueError, match="did you mean 'person-reidentification-retail-0277'"):
        Identity("person-reidentification-retail-0279")  # type: ignore[arg-type]
