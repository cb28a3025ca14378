import pytest

from mmtaskssl.utils.errors import UserError, run_tool


def _fail(error):
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (UserError("no such folder"), 2, "error: no such folder\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
    ],
)
def test_a_user_sees_one_sentence(capsys, error, status, text):
    with pytest.raises(SystemExit) as exit_:
        run_tool(_fail(error))
    assert exit_.value.code == status
    assert capsys.readouterr().err == text


def test_our_own_mistakes_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(_fail(ZeroDivisionError()))


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_the_status_is_the_tools(returned, status):
    with pytest.raises(SystemExit) as exit_:
        run_tool(lambda argv: returned)
    assert exit_.value.code == status
