from pathlib import Path

import pytest

from mmtaskssl.utils.redaction import redacted, redacted_value

KEY = "hf_" + "aB3" * 12


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pw@host/x.pth", "https://host/x.pth"),
        ("https://u:p@ss@host/x.pth", "https://host/x.pth"),
        (str(Path("https://u:p@host/x?sig=a")), "https:/host/x"),
        ("/here/s3:/KEY:secret@bucket/x?a=1", "/here/s3:/bucket/x"),
        ("https://u:p/w@host:80/x?sig=a", "https://host:80/x"),
        ("s3://KEY:s/e+c=@bucket/x", "s3://bucket/x"),
        ("no https://h/x.pth?X-Amz-Signature=a&b=1 there", "no https://h/x.pth there"),
        (
            "(see https://a.windows.net/c/x?sv=1&sig=a%2F).",
            "(see https://a.windows.net/c/x).",
        ),
        ("f('gs://b/x?X-Goog-Credential=a')", "f('gs://b/x')"),
        ("https://h/x#access_token=1", "https://h/x"),
        ("abfs://box@a.windows.net/x?sig=a", "abfs://box@a.windows.net/x"),
        ("abfs://box:key@a.windows.net/x", "abfs://a.windows.net/x"),
        ("s3://box@bucket/x", "s3://bucket/x"),
        (f"Bearer {KEY}", "Bearer ***"),
        (f"https://h/{KEY}/x", "https://h/***/x"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("AccountName=a;AccountKey=x/y==;B=1", "AccountName=a;AccountKey=***;B=1"),
        ("dict(api_key='a\\'b', k='c')", "dict(api_key='***', k='c')"),
        ('{"hf_token": "a", "token": "b"}', '{"hf_token": "***", "token": "***"}'),
    ],
)
def test_what_opens_an_address_is_left_out(text, shown):
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "/data/a@b?sig=1/user:pw@x.png",
        "C:\\data\\a@b?token=1.png",
        "file:///data/a@b?c.png",
        "C:/data/a@b?c.png",
        "/data/classes:/a@b?c.png",
        "token=a/x.png",
        "hf_convnext_tiny_pretrained_on_everything",
        "https://host:8080/a@b.png",
        "https://mmtaskssl.readthedocs.io/en/page.html#flags",
        "torchvision://resnet18",
        "abfs://box@a.dfs.core.windows.net/pool/a.png",
        "wasbs:/my-box@a.blob.core.windows.net/a.png",
        "cls_token='a', token=None, pad_token='<pad>'",
    ],
)
def test_all_else_stays(text):
    assert redacted(text) == text == redacted_value(text)


def test_values_keep_their_shape():
    value = {
        "token": "a",
        "secret_key": "",
        "given": ["--cfg-options", "model.api_key=abc", ("https://h/x?a=1", 2)],
        "https://h/x?a=1": None,
    }
    assert redacted_value(value) == {
        "token": "***",
        "secret_key": "",
        "given": ["--cfg-options", "model.api_key=***", ("https://h/x", 2)],
        "https://h/x": None,
    }
    # No two of what was found are lost in one.
    value = {"https://h/x?a=1": 1, "https://h/x?a=2": 2}
    assert redacted_value(value) == value
