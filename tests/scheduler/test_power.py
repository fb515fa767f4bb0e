"""Equal shares under the site's limit: never above the budget, never between 0 and the minimum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import SpotId
from domain.site import SpotSpec
from scheduler.power import share_equally

SPECS = st.lists(
    st.tuples(st.integers(40, 80), st.integers(100, 320), st.sampled_from((220, 230)), st.sampled_from((1, 3))),
    max_size=10,
).map(
    lambda rows: [
        SpotSpec(SpotId(f"E-{n:02d}"), voltage_v=v, phases=p, current_da_min=low, current_da_max=high)
        for n, (low, high, v, p) in enumerate(rows, start=1)
    ]
)


@given(specs=SPECS, budget_w=st.integers(-5000, 100_000))
def test_shares_stay_within_budget_and_limits(specs: list[SpotSpec], budget_w: int) -> None:
    shares = share_equally(specs, budget_w)
    assert set(shares) == {spec.id for spec in specs}
    assert sum(spec.power_w(shares[spec.id]) for spec in specs) <= max(budget_w, 0)
    for spec in specs:
        assert shares[spec.id] == 0 or spec.current_da_min <= shares[spec.id] <= spec.current_da_max


@given(specs=SPECS, budget_w=st.integers(0, 100_000))
def test_whoever_came_first_is_served_first_when_there_is_not_enough(specs: list[SpotSpec], budget_w: int) -> None:
    shares = share_equally(specs, budget_w)
    served = [shares[spec.id] > 0 for spec in specs]
    assert served == sorted(served, reverse=True)


def test_equal_cars_share_equally() -> None:
    specs = [SpotSpec(SpotId(f"E-{n:02d}")) for n in range(1, 11)]
    assert set(share_equally(specs, 44_000).values()) == {200}
    assert set(share_equally(specs, 200_000).values()) == {320}
    waiting = share_equally(specs, 5 * 1320 + 100)
    assert [spec.id for spec in specs if waiting[spec.id]] == [spec.id for spec in specs[:5]]
