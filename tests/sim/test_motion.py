from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.machine import travel_ms
from sim.motion import brake, in_step, travel

distances = st.integers(1, 12_000)
speeds = st.integers(20, 400)
ramps = st.integers(0, 1500)


@given(distances, speeds, ramps, st.booleans(), st.integers(0, 10**8))
def test_a_travel_takes_exactly_the_nominal_time_and_ends_exactly_on_its_target(
    way: int, speed: int, ramp: int, back: bool, start: int
) -> None:
    target = -way if back else way
    route = travel(0.0, float(target), speed, ramp, start)
    assert route.end_ms - route.start_ms == travel_ms(way, speed, ramp)
    assert route.position_mm(start) == 0.0
    assert route.position_mm(route.end_ms) == target
    assert route.position_mm(route.end_ms + 999) == target


@given(distances, speeds, ramps, st.lists(st.integers(0, 100), min_size=2, max_size=8))
def test_a_travel_never_turns_back_and_never_jumps(way: int, speed: int, ramp: int, percents: list[int]) -> None:
    route = travel(100.0, 100.0 + way, speed, ramp, 0)
    places = [route.position_mm(route.end_ms * percent // 100) for percent in sorted(percents)]
    assert places == sorted(places)
    assert all(
        route.position_mm(t + 1) - route.position_mm(t) <= speed / 1000 * 2.5 + 2 for t in range(0, route.end_ms, 997)
    )


@given(distances, speeds, ramps, st.integers(0, 100))
def test_braking_starts_where_the_thing_is_and_takes_at_most_one_ramp(
    way: int, speed: int, ramp: int, percent: int
) -> None:
    route = travel(0.0, float(way), speed, ramp, 0)
    now = route.end_ms * percent // 100
    rest = brake(route, speed, ramp, now)
    assert abs(rest.position_mm(now) - route.position_mm(now)) < 1e-6
    assert rest.end_ms - now <= max(ramp, route.end_ms - (route.end_ms // 2)) + 1
    assert route.position_mm(now) - 1e-6 <= rest.end_mm <= way + 1e-6


@given(distances, speeds, ramps, st.integers(0, 100))
def test_told_twice_to_stop_it_brakes_once(way: int, speed: int, ramp: int, percent: int) -> None:
    route = travel(0.0, float(way), speed, ramp, 0)
    now = route.end_ms * percent // 100
    rest = brake(route, speed, ramp, now)
    again = brake(rest, speed, ramp, now + 1)
    assert (again.end_ms, again.end_mm) == (rest.end_ms, rest.end_mm)


def test_two_pallets_of_a_train_keep_their_distance_and_two_others_do_not() -> None:
    one = travel(0.0, 2400.0, 133, 500, 1000)
    assert in_step(one, travel(2400.0, 4800.0, 133, 500, 1000))
    assert not in_step(one, travel(2400.0, 4800.0, 133, 500, 1020))
    assert not in_step(one, travel(4800.0, 2400.0, 133, 500, 1000))
