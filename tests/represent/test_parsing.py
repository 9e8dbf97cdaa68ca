import pytest
import torch

from repose.person import LABELS, LIP_LABELS
from repose.represent.parsing import (
    CIHP_LABELS,
    INSHOP_LABELS,
    PINET_LABELS,
    TO_INSHOP,
    TO_PINET,
    one_hot,
    relabel,
)


def test_tables_have_their_lengths_and_every_label_has_a_goal():
    assert (len(LIP_LABELS), len(CIHP_LABELS), len(PINET_LABELS), len(INSHOP_LABELS)) == (20, 20, 12, 16)
    for to, target in ((TO_PINET, PINET_LABELS), (TO_INSHOP, INSHOP_LABELS)):
        assert set(to) == set(LABELS) | set(CIHP_LABELS)
        assert set(to.values()) <= set(target)
    assert set(PINET_LABELS) - set(TO_PINET.values()) == set()
    assert set(INSHOP_LABELS) - set(TO_INSHOP.values()) == {"bag", "belt"}


@pytest.mark.parametrize("source", [LIP_LABELS, CIHP_LABELS])
def test_relabel_goes_by_name(source):
    parsing = torch.arange(20).reshape(1, 4, 5)
    converted = relabel(parsing, TO_PINET, PINET_LABELS, source)
    names = [PINET_LABELS[label] for label in converted.flatten().tolist()]
    assert names == [TO_PINET[name] for name in source]
    assert names[source.index("left arm")] == "hands"
    assert names[10] == ("dress" if source is LIP_LABELS else "neck")


def test_one_hot_equals_loops():
    parsing = torch.randint(0, 12, (2, 6, 5), generator=torch.Generator().manual_seed(0))
    converted = one_hot(parsing, 12)
    assert converted.shape == (2, 12, 6, 5)
    assert converted.dtype == torch.float32
    for b in range(2):
        for r in range(6):
            for c in range(5):
                assert converted[b, :, r, c].tolist() == [float(k == parsing[b, r, c]) for k in range(12)]
    assert torch.equal(one_hot(parsing[0], 12), converted[0])


def test_labels_outside_the_table_are_refused():
    with pytest.raises(ValueError, match=r"labels 3 to 12, but the table has 12 \(0 to 11\)"):
        one_hot(torch.tensor([[3, 12]]), 12)
    with pytest.raises(ValueError, match="labels -1 to 0"):
        relabel(torch.tensor([[-1, 0]]), TO_PINET, PINET_LABELS)
    with pytest.raises(ValueError, match="whole labels"):
        one_hot(torch.zeros(4, 4), 12)
