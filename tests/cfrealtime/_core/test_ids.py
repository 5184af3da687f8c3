"""An id is what no path can mistake for anything else."""

from __future__ import annotations

import pytest

from cfrealtime._core.ids import is_identifier


@pytest.mark.parametrize("value", ["2a45361d9d3ddc1c", "a-b_c~d.e", "A" * 128])
def test_ids_of_letters_digits_and_plain_marks_pass(value):
    assert is_identifier(value)


@pytest.mark.parametrize(
    "value", ["", ".", "..", ".hidden", "a/../b", "a%2Fb", "a b", "a\n", "é", "A" * 129, None, 7]
)
def test_what_could_change_a_path_does_not(value):
    assert not is_identifier(value)
