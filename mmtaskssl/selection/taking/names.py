"""How images that were taken out of their pool lie."""

from typing import Literal, get_args

#: Tars, tables with the images' bytes, or files.
Form = Literal["shards", "parquet", "folder"]
FORMS = get_args(Form)
