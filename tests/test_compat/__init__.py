import mmtaskssl  # noqa: F401  (mmcv.ops imports only behind its doors)
