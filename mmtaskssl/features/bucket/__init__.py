"""Feature stores under an address, such as ``s3://bucket/store``.

While it is filled it has, beside what any store has::

    STORE/
      .parts/shard-00000.json   bytes, SHA-256 and bad rows of a shard: it is written
      .claims/shard-00000.0     who computes it; of an heir's the number is one more
      .next/                    what is being added, see `growing`
      .replacing/               who removes it for another one, see `replacing`

Its record is written first, by whoever is first, and last, when it is complete. An
address has no locks and no names that are moved: all rests on files that are made only
where there are none, see `check_exclusive`.
"""
