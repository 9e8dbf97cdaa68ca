"""What a generator says to people that lack something."""

from dataclasses import replace

import pytest

from repose.models.base import Generator
from tests import tiny


@pytest.fixture(scope="module")
def generator() -> Generator:
    return tiny.generator(tiny.recipe())


@pytest.mark.parametrize("field", ["image", "keypoints"])
def test_a_missing_field_names_what_supplies_it(field: str, generator: Generator) -> None:
    person = tiny.people(1, 64, 32, 1)
    wanted = rf"PATN needs source\.{field}, which is missing; repose\.read_person\(PHOTO\) supplies it"
    with pytest.raises(ValueError, match=wanted) as caught:
        generator(replace(person, **{field: None}), person)
    assert ("`repose estimate PHOTO -o poses.csv`" in str(caught.value)) is (field == "keypoints")
