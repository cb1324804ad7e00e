"""How files are put into groups, and which groups are remembered."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.packing.group_cache import Group, GroupCache, GroupFacts
from hotswap_dev.packing.grouping import LARGEST, groups_of
from hotswap_dev.packing.gzip_member import Sum
from hotswap_dev.packing.packed import Segment
from hotswap_dev.packing.tree import Stamp


def a_stamp(size: int) -> Stamp:
    return (size, 0, 0, 0)


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(0, 2 * LARGEST))))
def test_groups_keep_the_order_and_the_largest_size(sizes: list[tuple[str, int]]) -> None:
    files = {path: a_stamp(size) for path, size in sorted(dict(sizes).items())}
    groups = groups_of(files)
    assert [path for group in groups for path in group] == list(files)
    for group in groups:
        assert len(group) == 1 or sum(512 + files[path][0] for path in group) <= LARGEST


def test_a_file_more_or_less_changes_few_groups() -> None:
    chance = Random(7)
    files = {
        f"{chance.randrange(10**9):09}.js": a_stamp(int(chance.expovariate(1 / 4000))) for _ in range(5000)
    }
    files = dict(sorted(files.items()))
    before = set(groups_of(files))
    assert 60 < len(before) < 200
    rebuilt = []
    for _ in range(100):
        more = dict(sorted({**files, f"{chance.randrange(10**9):09}.js": a_stamp(3000)}.items()))
        rebuilt.append(len(set(groups_of(more)) - before))
    assert sum(rebuilt) / len(rebuilt) < 1.5
    assert max(rebuilt) <= 4


def a_group(name: str, size: int) -> Group:
    segment = Segment(size, b"", 1, Sum())
    return Group(GroupFacts(name.encode(), ((name, size, b""),), b"", segment), (bytes(size),))


class TestTheCache:
    def test_lets_the_longest_unused_go(self) -> None:
        cache = GroupCache(100)
        a, b, c = a_group("a", 40), a_group("b", 40), a_group("c", 40)
        cache.use(a)
        cache.use(b)
        cache.begin()
        cache.use(a)
        cache.use(c)
        assert [cache.get(key) for key in (b"a", b"b", b"c")] == [a, None, c]

    def test_keeps_what_the_running_pack_has_used(self) -> None:
        cache = GroupCache(100)
        for name in "abc":
            assert not cache.use(a_group(name, 40))
        assert [bool(cache.get(key)) for key in (b"a", b"b", b"c")] == [True, True, False]

    @given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 60), st.booleans())))
    def test_never_holds_more_than_its_memory(self, uses: list[tuple[str, int, bool]]) -> None:
        cache = GroupCache(100)
        sizes: dict[str, int] = {}
        for name, size, begin in uses:
            if begin:
                cache.begin()
            cache.use(a_group(name, sizes.setdefault(name, size)))
            kept = [group for key in "abcdefgh" if (group := cache.get(key.encode()))]
            assert sum(group.facts.segment.size for group in kept) <= 100
