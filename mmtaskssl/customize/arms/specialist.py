"""The start, continued on the clusters of the pool that a target lies in."""

from ...clustering.clusters import Clusters
from ...clustering.folder import cluster_to_folder
from ...clustering.options import Options
from ...features.sources import open_stores
from ...specialists.home import Home, find_home
from ...utils.atomic import write_json, write_text
from ...utils.inputs import read_json, reading
from .arm import Case
from .continued import Continued
from .recipes import Images

CLUSTERS, CLUSTERS_OF = "clusters-16", "costs/home.json"
_TREE = (16,)
# Of a target's votes, that its clusters hold.
_SHARE = 0.8
# A cluster of fewer images is no part of a pool.
_LEAST = 64


class Specialist(Continued):
    """As `Continued`, on all images of the target's clusters instead of the nearest.

    So many as there are, of the target's kind by the clusters and not one by one; see
    `find_home`. No label is read.
    """

    name = "specialist"
    on_demand = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        body = self.serves(case)
        return (
            f"{body.start.name} continued at {body.side} px on the clusters of the "
            "pool that the target lies in"
        )

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if case.counts["pool"] < _LEAST * _TREE[0]:
            return f"a pool of {case.counts['pool']:,} images has no {_TREE[0]} parts"
        if case.stores is not None and _home(case).is_diffuse:
            return "the target is spread over more than half of the pool's clusters"
        return None

    def train_images(self, case: Case) -> Images:
        """See `Arm`."""
        assert case.folder is not None
        clusters, home = _clusters(case), _home(case)
        rows = clusters.rows(list(home.leaves)).tolist()
        file = case.folder / "ids" / "clusters.txt"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, "".join(f"{clusters.image_ids[row]}\n" for row in rows))
        return Images(case.found.pool_root, file, len(rows))


def _clusters(case: Case) -> Clusters:
    """Clusters the pool, once."""
    assert case.folder is not None and case.stores is not None
    folder = case.folder / CLUSTERS
    cluster_to_folder(folder, case.stores[0], Options(_TREE))
    return Clusters.open(folder)


def _home(case: Case) -> Home:
    """Finds where the target lies, once for all budgets and seeds."""
    assert case.folder is not None and case.stores is not None
    file = case.folder / CLUSTERS_OF
    if not file.is_file():
        clusters = _clusters(case)
        pool, train = open_stores(case.stores)
        write_json(file, find_home(train, pool, clusters, _SHARE).to_dict())
    with reading(file):
        return Home.of_dict(read_json(file))
