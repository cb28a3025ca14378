import numpy as np

from mmtaskssl.search.spread import SetScore, half_samples


def test_halves_are_of_distinct_images_and_fixed_by_the_seed():
    halves = half_samples(11, draws=6, seed=3)
    assert halves.shape == (6, 5) and halves.min() >= 0 and halves.max() < 11
    assert (np.diff(halves, axis=1) > 0).all()
    np.testing.assert_array_equal(halves, half_samples(11, draws=6, seed=3))
    assert (halves != half_samples(11, draws=6, seed=4)).any()


def test_the_interval_of_a_mean_is_the_bootstraps():
    """Of a mean the answer is known: two standard errors to each side."""
    values = np.random.default_rng(0).normal(2, 1, 400)
    halves = np.array([values[h].mean() for h in half_samples(400, draws=4000)])
    low, high = SetScore(float(values.mean()), halves).interval()
    expected = 1.96 * values.std() / 400**0.5
    assert abs((high - low) / 2 / expected - 1) < 0.05
    assert abs((high + low) / 2 - values.mean()) < 0.1 * expected


def test_draws_lie_about_the_value_of_all_images():
    """Half as many images have a lower effective rank, which says nothing."""
    found = SetScore(50.0, np.array([30.0, 32.0, 34.0]))
    np.testing.assert_array_equal(found.draws(), [48, 50, 52])
    low, high = SetScore(50.0, np.array([30.0, 30.0, 39.0])).interval()
    assert low < 50.0 < high
