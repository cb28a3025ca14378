"""What a TIFF says of itself before it is decoded: its size and its bands."""

import struct

_WIDTH, _HEIGHT, _COLOURS, _BANDS = 256, 257, 262, 277
#: Bands of colour by what a file calls them: grey, palette, RGB, CMYK, YCbCr, Lab.
_OF_COLOUR = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
_BIG = 43
_FORMS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as TIFFs do, small ones and large ones."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def tiff_size(data: bytes) -> tuple[int, int] | None:
    """Returns width and height of the first image.

    Args:
        data: A TIFF, or its begin.

    Raises:
        struct.error: It is cut short.
    """
    found = _tags(data)
    if _WIDTH in found and _HEIGHT in found:
        return found[_WIDTH], found[_HEIGHT]
    return None


def check_bands(data: bytes) -> None:
    """Refuses a TIFF of which it is not known which bands are the colours.

    Read are grey and colour, each with one band more, which is transparency if the file
    says so, and CMYK. Whatever decodes bands without a name takes the first for grey.

    Args:
        data: A file of any format; only a TIFF has other bands.

    Raises:
        ValueError: Says how many there are, and what to do.
    """
    if not is_tiff(data):
        return
    try:
        found = _tags(data)
    except struct.error:  # damaged: whoever decodes it says so
        return
    bands = found.get(_BANDS, 1)
    named = _OF_COLOUR.get(found.get(_COLOURS, 1), bands)
    if bands > 4 or bands > named + 1:
        raise ValueError(
            f"it has {bands} bands, which are not read as colours: write the three "
            "that are to be seen as an RGB image"
        )


def _tags(data: bytes) -> dict[int, int]:
    """Returns the first value of each whole-numbered tag of the first image."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == _BIG
    offset, counted, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + counted, data, at)
    first, found = at + (8 if big else 2), {}
    for place in range(first, first + entry * min(count, 4096), entry):
        tag, kind = struct.unpack_from(order + "2H", data, place)
        form = _FORMS.get(kind)
        if form is not None:
            value = place + entry - (8 if big else 4)
            (found[tag],) = struct.unpack_from(order + form, data, value)
    return found
