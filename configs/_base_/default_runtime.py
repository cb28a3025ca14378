default_scope = "mmtaskssl"

default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    throughput=dict(type="ThroughputHook"),
    non_finite_loss=dict(type="NonFiniteLossHook", interval=20),
    queue=dict(type="QueueLengthHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=10, max_keep_ckpts=3),
    sync_norm=dict(type="SyncNormHook"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)

# tools/train.py takes gloo instead of nccl where there is no GPU.
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)

log_processor = dict(window_size=50)
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])

randomness = dict(seed=0)
log_level = "INFO"
load_from = None
resume = False
