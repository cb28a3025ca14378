"""The site that `make docs` builds; no page of it loads anything from a network."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import made_pages  # noqa: E402

from mmtaskssl import __version__  # noqa: E402

project = "mmtaskssl"
author = "the authors of mmtaskssl"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
highlight_language = "none"  # of blocks that do not name theirs

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88  # longer ones have a line an argument
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of a class as one list
# Types of signatures are of Python, torch and numpy, which have no pages here.
nitpick_ignore_regex = [(r"py:(class|obj|data|exc|func|meth|attr|mod)", r".*")]

html_theme = "furo"
html_static_path, html_css_files = ["_static"], ["own.css"]
html_title = f"mmtaskssl {version}"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
# Excerpts are fetched, which browsers refuse where pages are opened as files.
html_show_search_summary = False

#: A file of the repository, as pages name it, and the page that shows it here.
_SHOWN = {"model_zoo.md": "/evidence/index.md"}


def _link_inside(app, document, source):
    """Turns links to the repository's files into links to their pages."""
    for name, page in _SHOWN.items():
        link = rf"\]\((?:\.\./)+{re.escape(name)}(?=[)#])"
        source[0] = re.sub(link, f"]({page}", source[0])


def setup(app):
    """Writes the pages that are made from the code, before any is read."""
    made_pages.write(HERE)
    app.connect("source-read", _link_inside)
