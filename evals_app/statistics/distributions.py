"""Quantiles and tails of the normal, t, chi-square and binomial distributions."""

import math
from statistics import NormalDist

NORMAL = NormalDist()
CLOSE = 1e-15
STEPS = 500


def normal_quantile(p: float) -> float:
    """The `p` quantile of the standard normal distribution, `p` strictly between 0 and 1."""
    return NORMAL.inv_cdf(p)


def normal_tail(z: float) -> float:
    """The probability of more than `z`, precise far out."""
    return math.erfc(z / math.sqrt(2)) / 2


def t_tail(t: float, degrees: float) -> float:
    """The probability of more than `t` under Student's distribution."""
    tail = _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2
    return tail if t >= 0 else 1 - tail


def t_quantile(p: float, degrees: float) -> float:
    """The `p` quantile of Student's distribution, by bisection."""
    if p < 0.5:
        return -t_quantile(1 - p, degrees)
    low, high = 0.0, 1.0
    while t_tail(high, degrees) > 1 - p:
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, degrees) > 1 - p else (low, middle)
    return (low + high) / 2


def chi_square_tail(x: float, degrees: int) -> float:
    """The probability of more than `x`; the closed form for whole `degrees`."""
    y = x / 2
    if y <= 0:
        return 1.0
    start = 1.0 if degrees % 2 else 0.5
    powers = [start + i for i in range((degrees - 1) // 2 if degrees % 2 else degrees // 2)]
    terms = (math.exp((k - 0.5) * math.log(y) - y - math.lgamma(k + 0.5)) for k in powers)
    return (math.erfc(math.sqrt(y)) if degrees % 2 else 0.0) + math.fsum(terms)


def binomial_half_two_sided(successes: int, trials: int) -> float:
    """How unlikely is a split at least so uneven of `trials` fair coins, exactly."""
    term = tail = 1
    for k in range(min(successes, trials - successes)):
        term = term * (trials - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << trials))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularized; the continued fraction by Lentz's method."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    d = 1 / (1 - (a + b) * x / (a + 1))
    c, fraction = 1.0, d
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 / (1 + numerator * d)
            c = 1 + numerator / c
            fraction *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return math.exp(log_front) * fraction / a
