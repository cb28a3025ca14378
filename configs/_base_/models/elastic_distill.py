# distill.py for networks with sub-nets, each of which imitates the one answer.
_base_ = "./distill.py"

model = dict(
    type="ElasticDistill",
    subnet_sampler=dict(type="Sandwich"),
    backbone=dict(_delete_=True, type="DynamicResNet", out_indices=(3,)),
    distill=dict(head=dict(_delete_=True)),  # its dimensions are known
)

# Synchronises gradients once a step, not once a sub-net.
model_wrapper_cfg = dict(type="mmtaskssl.ElasticDDP")
