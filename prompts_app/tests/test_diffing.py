import time

from hypothesis import given
from hypothesis import strategies as st

from prompts_app.diffing import diff


def changed(old: str, new: str) -> tuple[list[str], list[str]]:
    found = diff(old, new)
    return [p.text for p in found.old if p.changed], [p.text for p in found.new if p.changed]


def test_only_the_words_that_changed_are_marked() -> None:
    assert changed("Be kind and brief.", "Be kind and very thorough.") == (["brief"], ["very thorough"])


def test_a_passage_that_was_written_anew_is_marked_whole() -> None:
    old, new = (
        "You add nothing that the text says.",
        "Find the one thing that readers need, then say it plainly.",
    )
    assert changed(old, new) == ([old], [new])


def test_equal_texts_have_no_marks() -> None:
    assert diff("a\nb", "a\nb").same
    assert not diff("a\nb", "a\nc").same


def test_a_line_that_came_in_is_marked_whole() -> None:
    assert changed("one\ntwo\n", "one\nand a half\ntwo\n") == ([], ["and a half\n"])


@given(st.text(alphabet="ab \n.", max_size=80), st.text(alphabet="ab \n.", max_size=80))
def test_the_pieces_of_each_side_are_its_text(old: str, new: str) -> None:
    found = diff(old, new)
    assert ("".join(p.text for p in found.old), "".join(p.text for p in found.new)) == (old, new)
    assert found.same == (old == new)


def test_even_the_longest_texts_are_compared_at_once() -> None:
    old = " ".join(str(number) for number in range(40_000))
    started = time.perf_counter()
    diff(old, old[::-1])
    assert time.perf_counter() - started < 1
