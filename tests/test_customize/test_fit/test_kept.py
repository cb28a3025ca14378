"""What a budget of time pays for is measured once."""

from mmtaskssl.customize.fit import fits as module
from mmtaskssl.customize.fit.fits import Fits
from mmtaskssl.customize.fit.kept import FITS, kept
from mmtaskssl.customize.settings import Settings


def test_times_are_measured_once(tmp_path):
    answers = iter([40, 48, None])
    one = [kept(tmp_path, "2ms-4ms", "start a", lambda: next(answers)) for _ in "12"]
    assert one == [40, 40]
    assert kept(tmp_path, "4ms-6ms", "start a", lambda: next(answers)) == 48
    # That nothing fits is an answer, too.
    for _ in "12":
        assert kept(tmp_path, "2ms-4ms", "own b", lambda: next(answers)) is None
    assert (tmp_path / FITS).is_file()


def test_what_is_counted_is_counted_again(tmp_path):
    answers = iter([1, 2, 3])
    for folder, budget in ((tmp_path, "2M-4M"), (tmp_path, ""), (None, "2ms-4ms")):
        before = kept(folder, budget, "start a", lambda: next(answers))
        assert before is not None
    assert not (tmp_path / FITS).exists() and next(answers, None) is None


def test_a_run_goes_on_with_its_network(tmp_path, monkeypatch):
    settings = Settings(budgets=("2ms-4ms",))
    found = module.Own(settings.recipe, {"model.neck.in_channels": 8})
    monkeypatch.setattr(module, "own_within", lambda *_: found)
    first = Fits(settings, 40, tmp_path).own("2ms-4ms")
    monkeypatch.setattr(module, "own_within", lambda *_: None)
    again = Fits(settings, 40, tmp_path).own("2ms-4ms")
    assert first.options == again.options == found.options
    assert Fits(settings, 40).own("2ms-4ms") is None
