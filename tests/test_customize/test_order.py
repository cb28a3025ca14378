"""What is asked for, and what its user did to what was handed over."""

from mmtaskssl.customize.order import Order
from mmtaskssl.runs import Record, describe_files


def test_configs_of_several_budgets_are_set_aside_where_their_user_edited_them(
    tmp_path,
):
    names = [f"budgets/{one}/config.py" for one in ("small", "large")]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("lr = 1")
    stated = describe_files(tmp_path, names)
    backbones = [{"config": name, "config_file": stated[name]} for name in names]
    backbones.append({"config": "config.py"})  # an older version's says no more
    results = {"backbones": backbones}
    Record("customization", 1, {}, True, {}, "0", results=results).write(tmp_path)
    order = Order.read("pool", "target", tmp_path)
    assert order.edited() == []
    (tmp_path / names[1]).write_text("lr = 2")
    assert order.edited() == names[1:]
    lines = []
    order.set_aside(order.edited(), lines.append)
    kept = tmp_path / "budgets" / "large" / "config.edited.py"
    assert kept.read_text() == "lr = 2" and not (tmp_path / names[1]).exists()
    assert lines == [f"{tmp_path / names[1]} was edited: yours is now config.edited.py"]
    assert (tmp_path / names[0]).read_text() == "lr = 1"
