import pytest

from harness.clock import Clock, in_turns


class Counted(Clock):
    """Of which a call takes one second more than the one before."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def timed(self, call):
        self.calls += 1
        return float(self.calls), call()


@pytest.mark.parametrize(
    ("rotate", "order"), [(False, "abc abc abc"), (True, "abc bca cab")]
)
def test_everyone_has_a_turn_in_each_round(rotate, order):
    said = []
    calls = {name: lambda n=name: said.append(n) for name in "abc"}
    found = in_turns(calls, 2, Counted(), warm_up=1, rotate=rotate)
    assert "".join(said) == order.replace(" ", "")
    assert [*found] == ["a", "b", "c"]
    # The first round took the seconds 1 to 3, and does not count.
    counted = [spent for column in found.values() for spent in column]
    assert sorted(counted) == [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert found["a"] == ([4.0, 7.0] if not rotate else [6.0, 8.0])


def test_a_clock_of_the_cpu_or_the_wall_returns_the_result():
    for clock in (Clock(), Clock(wall=True)):
        spent, result = clock.timed(lambda: 7)
        assert spent >= 0 and result == 7
