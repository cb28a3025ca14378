"""Each test starts interpreters that import the whole host, seconds apiece."""

import pytest

from ._fresh import output_of, run_python

pytest.importorskip("mmdet")

LATER_MMCV = """
    import mmcv
    mmcv.__version__ = "2.2.0"
"""


def test_host_types_build_under_a_later_mmcv_from_every_scope():
    code = """
    import mmtaskssl
    from mmengine.registry import MODELS, DefaultScope
    neck = dict(
        type="mmselfsup.NonLinearNeck", in_channels=4, hid_channels=4, out_channels=2)
    for scope in "mmdet", "mmengine", "mmselfsup", "mmtaskssl":
        DefaultScope.get_instance(scope, scope_name=scope)
        with MODELS.switch_scope_and_registry(None) as registry:
            print(scope, type(registry.build(neck)).__module__.split(".")[0])
    import mmselfsup
    # The version itself is told to no one else.
    print(mmcv.__version__, mmselfsup.mmcv_maximum_version, mmselfsup.mmcv_version[:2])
    """
    *built, version = output_of(LATER_MMCV + code).splitlines()
    assert built == [
        f"{scope} mmselfsup"
        for scope in ("mmdet", "mmengine", "mmselfsup", "mmtaskssl")
    ]
    assert version == "2.2.0 3.0.0 (2, 2)"
    # Where the wall is gone without us, the door has lost its reason; and were the
    # changed code cached, it would be gone for everyone. mmdet says so the soonest.
    done = run_python(LATER_MMCV + "    import mmdet")
    assert "MMCV==2.2.0 is used but incompatible" in done.stderr


def test_other_bounds_stay_in_force():
    code = """
    import mmengine
    mmengine.__version__ = "1.5.0"
    import mmtaskssl
    try:
        import mmdet
    except AssertionError as error:
        print(error)
    """
    assert "MMEngine==1.5.0 is used but incomp" in output_of(LATER_MMCV + code)


def test_a_runner_in_our_scope_opens_the_doors_by_itself(tmp_path):
    code = """
    from mmengine.runner import Runner
    runner = Runner.from_cfg(dict(
        default_scope="mmtaskssl", work_dir=".", log_level="ERROR",
        model=dict(type="mmselfsup.NonLinearNeck", in_channels=4, hid_channels=4,
                   out_channels=2),
    ))
    print(type(runner.model).__module__)
    """
    printed = output_of(LATER_MMCV + code, cwd=tmp_path)
    assert printed == "mmselfsup.models.necks.nonlinear_neck"


def test_default_scope_of_the_host_trains_and_finds_every_location(tmp_path):
    code = """
        import mmtaskssl, mmcls, mmselfsup.registry, torch
        from mmengine.model import BaseModel
        from mmengine.registry import MODELS, DATASETS, Registry
        from mmengine.runner import Runner

        @MODELS.register_module()
        class Tiny(BaseModel):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(2, 1)

            def forward(self, inputs, mode="tensor"):
                return dict(loss=self.layer(torch.stack(inputs)).square().mean())

        @DATASETS.register_module()
        class Ones(torch.utils.data.Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                return dict(inputs=torch.ones(2))

        Runner.from_cfg(dict(
            default_scope="mmselfsup", work_dir=".", log_level="ERROR",
            model=dict(type="Tiny"),
            train_dataloader=dict(
                dataset=dict(type="Ones"), batch_size=2,
                sampler=dict(type="DefaultSampler", shuffle=False)),
            train_cfg=dict(type="EpochBasedTrainLoop", max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.1)),
        )).train()

        for registry in vars(mmselfsup.registry).values():
            if isinstance(registry, Registry) and registry.scope == "mmselfsup":
                registry.import_from_location()
        import mmselfsup.engine.runner as stand_in
        print(stand_in.__spec__.origin)
        # Within the bound the packages' own code runs.
        print(mmcls.mmcv_maximum_version, mmselfsup.mmcv_maximum_version)
    """
    printed = output_of(code, cwd=tmp_path).split()
    assert printed[-3:] == ["mmtaskssl.compat", "2.1.0", "2.1.0"]
    assert (tmp_path / "epoch_1.pth").is_file()
