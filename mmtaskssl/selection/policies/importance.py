"""Images drawn so that they are spread as the target is: importance resampling."""

import numpy as np

from ..nearest import best_queries
from ..stream import iter_blocks
from ..task import Selection, SelectionTask
from .cluster import kmeans

# A bin of the histogram has so many images of the pool, and as many of the target, in
# the mean; fewer would count noise.
_ROWS_A_BIN = 128
_QUERIES_A_BIN = 4
_TRAIN_ROWS_A_BIN = 256
# The last bits of a logarithm depend on the machine; the choice must not.
_DIGITS = 9


def importance(task: SelectionTask) -> Selection:
    """Draws by the ratio of the target's histogram to the pool's.

    Bins are k-means cells of the pool. An image's weight is the target's share of its
    bin over the pool's, with one image added to the target that is spread as the pool
    is; images are drawn without replacement, by the largest logarithm of the weight
    plus Gumbel noise (Xie et al., "Data Selection for Language Models via Importance
    Resampling", NeurIPS 2023, section 3, there over bins of hashed n-grams).
    With one seed a smaller budget is a prefix of a larger one.
    """
    rng = np.random.default_rng(task.seed)
    rows = np.flatnonzero(~task.skip)
    most = min(len(rows) // _ROWS_A_BIN, len(task.queries) // _QUERIES_A_BIN)
    bins = max(1, most)
    sample = np.sort(rng.permutation(rows)[: bins * _TRAIN_ROWS_A_BIN])
    centroids = kmeans(task.pool.read(sample), bins, rng)
    cells = np.full(len(task.pool), -1)
    for numbers, features, done in iter_blocks(task.pool, task.skip):
        cells[numbers.numpy()] = best_queries(centroids, features.numpy())[0]
        if task.progress is not None:
            task.progress(done)
    pool = np.bincount(cells[rows], minlength=bins)
    target = np.bincount(best_queries(centroids, task.queries)[0], minlength=bins)
    shares = pool / len(rows)
    wanted = (target + shares) / (len(task.queries) + 1)
    weights = np.log(wanted[cells[rows]] / shares[cells[rows]])
    keys = (weights + rng.gumbel(size=len(rows))).round(_DIGITS)
    order = np.lexsort((rows, -keys))[: task.budget]
    filled = int((target > 0).sum())
    note = (
        f"the target lies in {filled} of {bins} bins of the pool, and is matched there"
    )
    return task.with_nearest_query(rows[order], note)
