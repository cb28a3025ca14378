"""Files that lie elsewhere: ``s3://bucket/pool`` and all else that fsspec knows."""
