"""The codes of an index, which faiss trains, makes and searches.

faiss is given arrays and returns arrays: none of its own files is ever read, for what
reads them trusts what they say of themselves.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...utils.errors import option
from ...utils.families import PackageMissing
from .lists import Lists

#: Entries of a code book: what a byte tells apart.
ENTRIES = 256
#: Rows that code books are fitted on; of more, faiss takes as many.
BOOK_ROWS = 64 * ENTRIES
# A direction's share of the mean variance below which it tells nothing.
_FLOOR = 1e-3


def faiss() -> Any:
    """Returns the package.

    Raises:
        UserError: It is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise PackageMissing(
            f"{option('approximate')} needs faiss: pip install faiss-cpu"
        ) from error
    return faiss


@dataclasses.dataclass(frozen=True)
class Coder:
    """What makes the codes of rows.

    Attributes:
        lists: Of the index.
        rotation: (B * S, D) float32: turns features; S of them are a byte's.
        books: (B, 256, S) float32: of each byte of a code, what its values stand for.
    """

    lists: Lists
    rotation: np.ndarray
    books: np.ndarray

    @classmethod
    def fitted(
        cls, rows: np.ndarray, lists: int, code_bytes: int, seed: int
    ) -> "Coder":
        """Fits lists and code books to rows.

        Args:
            rows: (n, D) float32, at least as many as lists.
            lists: Lists.
            code_bytes: Bytes of a code.
            seed: Of what is drawn.
        """
        rng = np.random.default_rng(seed)
        found = Lists.fitted(rows, lists, rng)
        drawn = rows[np.sort(rng.permutation(len(rows))[:BOOK_ROWS])]
        rest = drawn - found.centroids[found.of(drawn)]
        if len(rest) < ENTRIES:  # the fewest that code books can be fitted on
            rest = np.resize(rest, (ENTRIES, rest.shape[1]))
        width = -(-rows.shape[1] // code_bytes)
        maker = faiss().ProductQuantizer(width * code_bytes, code_bytes, 8)
        maker.cp.seed, maker.cp.min_points_per_centroid = seed % 2**31, 1
        rotation = _rotation(rest, code_bytes, width)
        maker.train(rest @ rotation.T)
        books = faiss().vector_to_array(maker.centroids)
        books = books.reshape(code_bytes, ENTRIES, width).copy()
        return cls(found, rotation, books)

    @property
    def _dim(self) -> int:
        return len(self.rotation)

    def _turned(self, rows: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(rows @ self.rotation.T, np.float32)

    @property
    def code_bytes(self) -> int:
        """Bytes of a row's code."""
        return len(self.books)

    @property
    def width(self) -> int:
        """Bytes that are kept of a row: the number of its list, and its code."""
        return self.code_bytes + list_bytes(len(self.lists.centroids))

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Returns what is kept of rows, (n, width) uint8.

        Args:
            rows: (n, D) float32.
        """
        lists = self.lists.of(rows)
        codes = self._maker().compute_codes(
            self._turned(rows - self.lists.centroids[lists])
        )
        number: np.ndarray = lists.astype("<u4").view(np.uint8).reshape(len(rows), 4)
        return np.hstack([number[:, : self.width - self.code_bytes], codes])

    def empty_index(self) -> Any:
        """Returns faiss's index, without rows."""
        library, dim = faiss(), self._dim
        centroids = self._turned(self.lists.centroids)
        nearest = library.IndexFlatIP(dim)
        nearest.add(centroids)
        index = library.IndexIVFPQ(
            *(nearest, dim, len(centroids), self.code_bytes, 8),
            library.METRIC_INNER_PRODUCT,
        )
        library.copy_array_to_vector(self.books.ravel(), index.pq.centroids)
        index.is_trained = True
        return index

    def search(
        self,
        index: Any,
        queries: np.ndarray,
        count: int,
        probes: int,
        skip: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Searches what was put into an index.

        Args:
            index: Of `empty_index`, with rows.
            queries: (Q, D) float32.
            count: Candidates a query.
            probes: Lists to look through.
            skip: (n,) bool, rows of it that must not be found.

        Returns:
            (Q, count) float32 scores by codes and int64 rows, -1 behind the last one.
        """
        library = faiss()
        usable = np.packbits(~skip, bitorder="little")
        how = library.SearchParametersIVF(
            sel=library.IDSelectorBitmap(usable), nprobe=probes
        )
        return index.search(self._turned(queries), count, params=how)

    def _maker(self) -> Any:
        library = faiss()
        maker = library.ProductQuantizer(self._dim, self.code_bytes, 8)
        library.copy_array_to_vector(self.books.ravel(), maker.centroids)
        return maker


def fill(index: Any, parts: Sequence[np.ndarray]) -> None:
    """Puts rows into an index, numbered from 0.

    Args:
        index: Of `Coder.empty_index`.
        parts: What `Coder.codes` returned, in the order of the rows.
    """
    first = 0
    for part in parts:
        index.add_sa_codes(
            np.ascontiguousarray(part), np.arange(first, first + len(part))
        )
        first += len(part)


def list_bytes(lists: int) -> int:
    """Returns the bytes that the number of a list takes, as faiss counts them."""
    return max(0, (lists - 1).bit_length() + 7) // 8


def _rotation(rest: np.ndarray, code_bytes: int, width: int) -> np.ndarray:
    """Returns what turns features so that each byte has about as much to tell.

    The principal directions, the strongest first, go to the byte whose directions have
    the smallest product of variances so far (Ge, He, Ke and Sun, "Optimized Product
    Quantization", CVPR 2013, the parametric solution).

    Args:
        rest: (n, D) float32, what codes are of.
        code_bytes: B.
        width: S, features of a byte.

    Returns:
        (B * S, D) float32 of orthonormal columns; rows without a direction are zero.
    """
    covariance = np.cov(rest.astype(np.float64), rowvar=False).reshape(
        rest.shape[1], rest.shape[1]
    )
    values, vectors = np.linalg.eigh(covariance)
    floor = max(values.mean() * _FLOOR, np.finfo(np.float64).tiny)
    weights = np.log(np.maximum(values / floor, 1))[::-1]
    vectors = vectors[:, ::-1].T
    # The same on every machine: the largest element of each is positive.
    largest = np.abs(vectors).argmax(1)
    vectors = vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, None]
    out = np.zeros((code_bytes, width, rest.shape[1]), np.float32)
    load: np.ndarray = np.zeros(code_bytes)
    count: np.ndarray = np.zeros(code_bytes, np.int64)
    for weight, vector in zip(weights, vectors, strict=True):
        # Of equal ones, that with the fewest directions.
        free = np.where(count < width, load, np.inf)
        place = int(np.lexsort((count, free))[0])
        out[place, count[place]] = vector
        load[place] += weight
        count[place] += 1
    return out.reshape(code_bytes * width, rest.shape[1])
