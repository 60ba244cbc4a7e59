"""A dependency that failed is left alone for a while."""

from gateway_app.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_lets_everybody_through_until_a_failure() -> None:
    breaker = Breaker(clock=Clock(), pause=1.0)
    assert breaker.allows()
    assert breaker.failed()
    assert not breaker.allows()


def test_after_the_pause_one_probe_goes_at_a_time() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock, pause=1.0)
    breaker.failed()
    clock.now += 1.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_probe_that_succeeds_closes_it() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock, pause=1.0)
    breaker.failed()
    clock.now += 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()


def test_only_the_first_failure_of_a_row_is_news() -> None:
    breaker = Breaker(clock=Clock())
    assert [breaker.failed(), breaker.failed()] == [True, False]
